"""Arrays of numpy, torch and MLX out of storage arrays, and back.

A framework is offered where it can be imported; each says which module of the package takes its arrays.
"""

from __future__ import annotations

import importlib
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from kernel_ir.dtypes import DTYPES, DType
from kernel_ir.rounding import Array, storage_dtype


class Framework(ABC):
    """A library whose arrays the package takes. `target` is the package's module for it."""

    name: str
    target: str

    def __init__(self) -> None:
        self.module: ModuleType = importlib.import_module(self.name)

    @abstractmethod
    def supports(self, dtype: DType) -> bool:
        """Whether the framework has arrays of `dtype`."""

    @abstractmethod
    def wrap(self, storage: Array, dtype: DType) -> Any:
        """A new array with the values of a storage array; shares no memory with it."""

    @abstractmethod
    def unwrap(self, array: Any, dtype: DType) -> Array:
        """The storage array of what a call gave back."""

    def finish(self, arrays: Any) -> None:
        """Wait until the values of the arrays of a call are there. Nothing to do where calls are eager."""
        del arrays


class Numpy(Framework):
    """numpy; bfloat16 comes from ml_dtypes where that is installed."""

    name, target = "numpy", "cpu"

    def supports(self, dtype: DType) -> bool:
        return dtype.name != "bf16" or importlib.util.find_spec("ml_dtypes") is not None

    def wrap(self, storage: Array, dtype: DType) -> Any:
        copy = np.array(storage)
        return copy.view(importlib.import_module("ml_dtypes").bfloat16) if dtype.name == "bf16" else copy

    def unwrap(self, array: Any, dtype: DType) -> Array:
        return np.array(array).view(storage_dtype(dtype))


class Torch(Framework):
    """torch on the CPU."""

    name, target = "torch", "cpu"

    def supports(self, dtype: DType) -> bool:
        return dtype.name != "u32"

    def wrap(self, storage: Array, dtype: DType) -> Any:
        tensor = self.module.from_numpy(np.array(storage))
        special = {"bf16": "bfloat16", "f8e4m3": "float8_e4m3fn"}.get(dtype.name)
        return tensor.view(getattr(self.module, special)) if special else tensor

    def unwrap(self, array: Any, dtype: DType) -> Array:
        bits = {"bf16": self.module.int16, "f8e4m3": self.module.uint8}.get(dtype.name)
        plain = array.view(bits) if bits is not None else array
        return np.array(plain.numpy()).view(storage_dtype(dtype))


class Mlx(Framework):
    """MLX on its default device."""

    name, target = "mlx.core", "metal"

    def supports(self, dtype: DType) -> bool:
        return dtype.name in DTYPES

    def wrap(self, storage: Array, dtype: DType) -> Any:
        array = self.module.array(storage)
        array = array.view(self.module.bfloat16) if dtype.name == "bf16" else array
        self.module.eval(array)
        return array

    def unwrap(self, array: Any, dtype: DType) -> Array:
        plain = array.view(self.module.uint16) if dtype.name == "bf16" else array
        return np.array(plain).view(storage_dtype(dtype))

    def finish(self, arrays: Any) -> None:
        self.module.eval(arrays)


def available() -> Iterator[Framework]:
    """Every framework that this Python has."""
    for kind in (Numpy, Torch, Mlx):
        if importlib.util.find_spec(kind.name.partition(".")[0]) is not None:
            yield kind()
