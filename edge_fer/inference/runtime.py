"""The one adapter over TFLite's two Python runtimes: `ai_edge_litert`, and `tflite_runtime` before it was renamed."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import local
from time import process_time
from types import ModuleType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from edge_fer.errors import ModelError, RuntimeMissingError
from edge_fer.support.files import LARGEST_MODEL, read_file

__all__ = [
    "RUNTIMES",
    "Interpreter",
    "Model",
    "Tensor",
    "available",
    "loaded_runtime",
    "seconds_in_runtime",
    "timed_runs",
]

#: The runtimes' modules, best first: on a PC the newer one runs int8 graphs about fifteen times faster.
RUNTIMES = ("ai_edge_litert", "tflite_runtime")

# A TFLite file is a flatbuffer whose identifier stands after the four bytes of the root's offset.
_IDENTIFIER = b"TFL3"

_spent = local()
#: Runtimes that have loaded a model in this process.
_greeted: set[str] = set()


def seconds_in_runtime() -> float:
    """Processor seconds that went by in `timed_runs` of this thread; only differences mean anything."""
    seconds: float = getattr(_spent, "seconds", 0.0)
    return seconds


@contextmanager
def timed_runs() -> Iterator[None]:
    """Within, what this thread runs counts in `seconds_in_runtime`.

    Not always, for the processor's clock is the kernel's to read, which may let others go first.
    """
    _spent.timed = True
    try:
        yield
    finally:
        _spent.timed = False


@dataclass(frozen=True, slots=True)
class Tensor:
    """What goes into a model or comes out of it.

    Attributes:
        shape: batch first, channels last.
        dtype: the numpy name of its type.
        scale: the real value of one step; 0 where the tensor is not quantised.
        zero_point: the step that stands for a real 0.
    """

    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int


class Interpreter:
    """A model of any kind with one input, ready to run. Not for two threads at once.

    Attributes:
        runtime: the module that runs it, one of `RUNTIMES`.
        version: that module's version.
        input: what goes in.
        outputs: what comes out, in the model's order.
    """

    def __init__(
        self,
        content: bytes,
        *,
        name: str,
        shape: tuple[int, ...] | None = None,
        threads: int = 1,
        runtime: str | None = None,
    ) -> None:
        """Takes the bytes of a model file.

        Args:
            content: the whole file, known to be undamaged: the runtimes are native code that trusts what it reads.
            name: what errors call it.
            shape: what goes in, where it shall be another shape than the file says.
            threads: CPU threads for one run, at least 1.
            runtime: one of `RUNTIMES`; the first that can be imported if left out.

        Raises:
            ModelError: the bytes are no model, or not one of this kind.
            RuntimeMissingError: no runtime, or not the one asked for, can be imported.
        """
        if content[4:8] != _IDENTIFIER:
            msg = f"{name}: not a TFLite model ({len(content)} bytes without the mark {_IDENTIFIER.decode()!r})"
            raise ModelError(msg, remedy="Install the package again, or copy the model file again")
        module = _import_runtime(runtime)
        self.runtime = module.__name__.partition(".")[0]
        self.version: str = getattr(sys.modules.get(self.runtime), "__version__", "unknown")
        try:
            # a runtime greets with its first model alone; later ones may be made while other threads write to stderr
            with nullcontext() if self.runtime in _greeted else _quiet_stderr():
                # The runtime reads the weights from these very bytes and keeps its own reference to them.
                self._interpreter: Any = module.Interpreter(model_content=content, num_threads=threads)
                if shape is not None:
                    self._interpreter.resize_tensor_input(self._interpreter.get_input_details()[0]["index"], shape)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            msg = f"{name}: {self.runtime} {self.version} refuses it: {str(error).strip()}"
            remedy = "Copy the model file again, or export it with operations that this runtime knows"
            raise ModelError(msg, remedy=remedy) from error
        _greeted.add(self.runtime)
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        _check_one(inputs, "input", name)
        self._input_index: int = inputs[0]["index"]
        self._output_indices: list[int] = [details["index"] for details in outputs]
        self.input = _tensor(inputs[0])
        self.outputs = tuple(_tensor(details) for details in outputs)

    def run(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """Runs the model once.

        Args:
            values: of the input's type, as many as it holds, in any shape.

        Returns:
            The outputs, in the model's order; the caller's own, not the runtime's memory.

        Raises:
            ValueError: too many or too few values, or of another type.
        """
        self._interpreter.set_tensor(self._input_index, values.reshape(self.input.shape))
        return self._run()

    def run_on(self, write: Callable[[NDArray[Any]], object]) -> list[NDArray[Any]]:
        """Runs the model once on what `write` puts into its input, which it must not keep.

        Args:
            write: given the runtime's own memory, of the input's type and shape, to overwrite all of it.

        Returns:
            As of `run`.
        """
        write(self._interpreter.tensor(self._input_index)())
        return self._run()

    def _run(self) -> list[NDArray[Any]]:
        if not getattr(_spent, "timed", False):
            return self._invoked()
        begin = process_time()
        told = self._invoked()
        _spent.seconds = seconds_in_runtime() + process_time() - begin
        return told

    def _invoked(self) -> list[NDArray[Any]]:
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._output_indices]


class Model(Interpreter):
    """A quantised model with one int8 input and int8 logits, ready to run.

    Attributes:
        output: the logits that come out.
    """

    def __init__(self, content: bytes, *, name: str, threads: int = 1, runtime: str | None = None) -> None:
        """Takes the bytes of a model file; `load` is the usual way, and the arguments are those of `Interpreter`."""
        super().__init__(content, name=name, threads=threads, runtime=runtime)
        _check_one(self.outputs, "output", name)
        self.output = self.outputs[0]
        _check_int8(self.input, "input", name)
        _check_int8(self.output, "output", name)

    @classmethod
    def load(cls, path: Path, *, sha256: str, threads: int = 1, runtime: str | None = None) -> Self:
        """Reads a model file.

        Args:
            path: the `.tflite` file.
            sha256: what the file must hash to, lower-case hexadecimal. The runtimes are native code that trusts what
                it reads: `tflite_runtime` ends the process on a file that was cut short, so it never gets to see one.
            threads: CPU threads for one run.
            runtime: one of `RUNTIMES`; the first that can be imported if left out.

        Raises:
            ModelError: the file is missing, unreadable, empty, damaged, or not an int8 model.
            RuntimeMissingError: no runtime, or not the one asked for, can be imported.
        """
        try:
            content = read_file(path, LARGEST_MODEL)
        except OSError as error:
            msg = f"{path}: cannot read the model: {error.strerror}"
            raise ModelError(msg, remedy="Check the path and its permissions, or install the package again") from error
        found = hashlib.sha256(content).hexdigest()
        if found != sha256:
            msg = f"{path}: {len(content)} bytes with sha256 {found}, but its sidecar expects {sha256}"
            raise ModelError(msg, remedy="Copy the model and its sidecar again; the two belong together")
        return cls(content, name=str(path), threads=threads, runtime=runtime)

    def invoke(self, values: NDArray[np.int8]) -> NDArray[np.int8]:
        """Runs the model once.

        Args:
            values: int8, as many as the input holds, in any shape.

        Returns:
            int8 of the output's shape; the caller's own, not the runtime's memory.

        Raises:
            ValueError: too many or too few values, or of another type.
        """
        result: NDArray[np.int8] = self.run(values)[0]
        return result


def available() -> tuple[str, ...]:
    """The runtimes that can be imported here, best first."""
    return tuple(name for name in RUNTIMES if isinstance(_try_import(name), ModuleType))


def loaded_runtime() -> str:
    """Name and version of the runtime that models here run on when none is asked for.

    Raises:
        RuntimeMissingError: there is none.
    """
    name = _import_runtime(None).__name__.partition(".")[0]
    return f"{name} {getattr(sys.modules.get(name), '__version__', 'unknown')}"


def _try_import(name: str) -> ModuleType | Exception:
    """The runtime's module with the interpreter, or why there is none."""
    try:
        return importlib.import_module(f"{name}.interpreter")
    except (ImportError, AttributeError, SystemError) as error:
        # The last two are what a runtime built for another major version of numpy answers with.
        return error


def _import_runtime(wanted: str | None) -> ModuleType:
    if wanted is not None and wanted not in RUNTIMES:
        msg = f"runtime: {wanted!r} is none of {', '.join(RUNTIMES)}"
        raise RuntimeMissingError(msg, remedy="Leave it out to take the best there is")
    reasons = []
    for name in (wanted,) if wanted else RUNTIMES:
        found = _try_import(name)
        if isinstance(found, ModuleType):
            return found
        reasons.append(f"{name}: {found}")
    msg = f"no TFLite runtime can be imported ({'; '.join(reasons)})"
    remedy = "Install one: pip install ai-edge-litert (or tflite-runtime with 'numpy<2' where Python is 3.11)"
    raise RuntimeMissingError(msg, remedy=remedy)


def _tensor(detail: dict[str, Any]) -> Tensor:
    scale, zero_point = detail["quantization"]
    shape = tuple(int(side) for side in detail["shape"])
    return Tensor(shape, np.dtype(detail["dtype"]).name, float(scale), int(zero_point))


def _check_one(tensors: Sequence[object], which: str, name: str) -> None:
    if len(tensors) != 1:
        msg = f"{name}: {len(tensors)} {which}s, but exactly one is wanted"
        raise ModelError(msg, remedy="Export the model with one picture in and its logits out")


def _check_int8(tensor: Tensor, which: str, name: str) -> None:
    if tensor.dtype != "int8" or not tensor.scale > 0:
        msg = f"{name}: the {which} is {tensor.dtype} with a scale of {tensor.scale:g}, not quantised int8"
        raise ModelError(msg, remedy="Export the model with int8 input and output")


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keeps native code from chatting on stderr; what it says is shown after all when it fails.

    The whole process shares stderr, so a runtime's first model is loaded before any threads start.
    """
    try:
        shown = os.dup(2)
    except OSError:  # started without a stderr
        yield
        return
    # In memory, so that neither a full disk nor a read-only one keeps a model from loading.
    said = os.memfd_create("said")
    os.dup2(said, 2)
    failed = True
    try:
        yield
        failed = False
    finally:
        os.dup2(shown, 2)
        os.close(shown)
        if failed:
            os.write(2, os.pread(said, 65536, 0))
        os.close(said)
