// The environment: the one place that reads it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace ropeway {

// The variable's value; nothing when it is unset or empty.
std::optional<std::string> environment(const char* name);

// All variables of this process.
std::map<std::string, std::string> environment_variables();

// Bytes, by a variable that holds a whole number of MB (10^6 bytes) above 0; nothing when it is unset or empty. Throws Error{invalid_argument} that names the variable.
std::optional<uint64_t> environment_megabytes(const char* name);

// Processors that this process may run on, at least 1.
int available_processors();

}  // namespace ropeway
