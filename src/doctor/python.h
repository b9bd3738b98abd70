// The Python that atc finds, looked at from outside: it is not run.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cann/machine.h"

namespace ropeway::doctor {

struct Python {
  std::filesystem::path program;               // the first python3 on PATH
  std::string version;                         // "3.11", "3.11.2", or "" when nothing says
  std::vector<std::filesystem::path> folders;  // of modules; those that exist
};
std::optional<Python> find_python(const cann::Machine& machine);

// Whether one of the folders has a module such as "yaml" or "google/protobuf".
bool has_module(const Python& python, const std::string& module);

// The version of an installed package, from its dist-info; "" when it is not there.
std::string version_of_package(const Python& python, const std::string& package);

}  // namespace ropeway::doctor
