// Where the shaders of this package are: one Metal library, or their sources for MLX to compile.
#pragma once

#include <string>

namespace sgl::metal {

// Uses a `.metallib`, or else a folder with one self-contained `<shader>.metal` for each shader.
void use_library(const std::string& path);

// What is in use; empty where nothing is.
std::string library_path();

// Whether `path` is that of a compiled library.
bool is_compiled(const std::string& path);

// The text of a shader in a folder of sources. Throws std::runtime_error where it cannot be read.
std::string read_source(const std::string& folder, const std::string& shader);

}  // namespace sgl::metal
