"""The CUDA kernels beside what users would call instead, on one GPU: `python build.py bench --target cuda`.

cases.py    what is called, with which arguments, and what it must give
fused.py    the same ops written in Triton
timing.py   device time by replay of CUDA graphs, and the cost of a call on the host
check.py    whether what a runner wrote is right
run.py      every op at every number of rows, by every runner
report.py   the table and the figures that sum it up, from the measurements alone
roofline.py the plot, from the same

Nothing here needs the generator: the machine with the GPU has torch, and the package built from `generated/`.
"""
