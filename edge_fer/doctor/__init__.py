"""What `edge-fer doctor` looks at: one function a check, each with findings that say what is wrong and what to do."""
