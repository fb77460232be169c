// The C symbol of a kernel: one for each instruction set, so that the host can choose at load.
#pragma once

#if !defined(SGL_ISA)
#define SGL_ISA baseline
#endif

#define SGL_CPU_SYMBOL_JOINED(isa, name) sgl_cpu_##isa##_##name
#define SGL_CPU_SYMBOL(isa, name) SGL_CPU_SYMBOL_JOINED(isa, name)
#define SGL_CPU_ENTRY(name, Params) extern "C" void SGL_CPU_SYMBOL(SGL_ISA, name)(const Params* params)
