// The environment: the one place that reads it.
#pragma once

#include <map>
#include <optional>
#include <string>

namespace ropeway {

// The variable's value; nothing when it is unset or empty.
std::optional<std::string> environment(const char* name);

// All variables of this process.
std::map<std::string, std::string> environment_variables();

// Processors that this process may run on, at least 1.
int available_processors();

}  // namespace ropeway
