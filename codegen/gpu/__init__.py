"""From launches to GPU kernels, for any GPU.

split      values that pass from one launch to the next get memory of their own
parts      streams that the parts of a team take turns at
lift       what every iteration of a dealt loop would compute alike goes in front of it
chunks     which dealt loops give each lane runs of neighbouring elements
holds      what lanes load once and keep in registers for all loops that read it
nests      which parallel loops are shared out over a team
rows       where each row of scratch lives: in every lane, dealt over registers, or in memory
barriers   where lanes wait for one another
widths     which integers fit 32 bits, and when
schedule   how many lanes a team has
plan       the steps above in order, for each launch
record     what host code must know to launch a kernel
frame      template parameters, and locals for a kernel's inputs
wrap       long lines broken
text       names, memory and expressions as text, over the runtime headers that each target has
dealt      dealt loops and reductions as text
writer     a whole launch as text
"""
