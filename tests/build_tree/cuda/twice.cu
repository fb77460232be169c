__global__ void twice(int* value) { *value *= 2; }

extern "C" void launch_twice(int* value) { twice<<<1, 1>>>(value); }
