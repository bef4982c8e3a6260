from pathlib import Path

import pytest
import torch

from poolscore.encoder.hardware import fast_bf16, resolve_device, resolve_precision

CPU = torch.device("cpu")


def test_a_named_device_and_precision_are_taken_as_they_are() -> None:
    assert resolve_device("cpu") == CPU
    assert resolve_precision("fp32", CPU) == "fp32"
    assert resolve_precision("bf16", CPU) == "bf16"


def test_auto_is_bf16_exactly_where_it_is_fast() -> None:
    assert resolve_precision("auto", CPU) == ("bf16" if fast_bf16(CPU) else "fp32")


@pytest.mark.skipif(not Path("/proc/cpuinfo").is_file(), reason="needs Linux")
def test_fast_bf16_agrees_with_the_kernel() -> None:
    flags = set(Path("/proc/cpuinfo").read_text().split())
    assert fast_bf16(CPU) == bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})
