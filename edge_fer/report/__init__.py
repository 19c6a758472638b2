"""An analysis as a page to look at and to print, which needs nothing but itself."""
