"""Runs of the built package: a demonstration beside the interpreter, and measurements beside other libraries.

inputs.py      arguments for a call, drawn as a spec's `examples` and `values` say
frameworks.py  arrays of numpy, torch and MLX out of storage arrays, and back
calls.py       one call of a public op
agreement.py   how far results lie from the interpreter's, and whether rounding accounts for it
demo.py        every op against the interpreter
cpu.py         CPU kernels beside their peers (peers.py), in numbers
generate.py    what the generator costs
cuda/          CUDA kernels beside a peer, torch, its compiler and Triton
results/       what the measurements gave
"""
