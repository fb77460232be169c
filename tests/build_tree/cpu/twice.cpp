#define NAME_AT(isa) twice_##isa
#define NAME(isa) NAME_AT(isa)

extern "C" int NAME(SGL_ISA)(int value) { return 2 * value; }
