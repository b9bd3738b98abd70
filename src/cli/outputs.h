// Writing a model's outputs: all of them or none.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/model.h"

namespace ropeway::cli {

// A file name for each output: NAME.npy with everything but letters, digits and `. _ -` as _, all different.
std::vector<std::string> file_names(const std::vector<ValueInfo>& outputs);

// Throws Error{io} when `write_outputs` could certainly not write to `folder`: so that this is known before the work, not after it.
void check_output_folder(const std::filesystem::path& folder);

// Writes each tensor to `folder`, which is made when it is missing (its parent must be there). On an error nothing of this is left behind, and files that
// were there before keep their content.
void write_outputs(const std::filesystem::path& folder, const std::vector<ValueInfo>& outputs, const std::vector<Tensor>& values);

}  // namespace ropeway::cli
