#include "doctor/python.h"

#include <algorithm>
#include <fstream>

#include "base/text.h"

namespace ropeway::doctor {
namespace {

namespace fs = std::filesystem;

// "3.11" from "python3.11"; "" for other names.
std::string version_in(const std::string& name) {
  const std::string before = "python3.";
  return name.starts_with(before) && name.size() > before.size() && name.find_first_not_of("0123456789", before.size()) == std::string::npos ? name.substr(6) : "";
}

// The value of "key = value" in a virtual environment's pyvenv.cfg.
std::string setting(const fs::path& file, const std::string& key) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    std::erase(line, ' ');
    std::erase(line, '\r');
    if (line.starts_with(key + "=")) return line.substr(key.size() + 1);
  }
  return "";
}

// Links are followed one by one: their names tell the version, and absolute ones are the machine's.
std::string version_by_links(const cann::Machine& machine, fs::path program) {
  constexpr int kMostLinks = 16;
  for (int i = 0; i < kMostLinks; ++i) {
    if (const std::string version = version_in(program.filename().string()); !version.empty()) return version;
    std::error_code problem;
    const fs::path target = fs::read_symlink(program, problem);
    if (problem) break;
    program = target.is_absolute() ? machine.at(target) : program.parent_path() / target;
  }
  return "";
}

// The newest python3.N in a folder.
std::string version_by_folders(const fs::path& library) {
  std::string newest;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(library, ignored)) {
    const std::string version = version_in(entry.path().filename().string());
    if (!version.empty() && (newest.empty() || cann::is_older(newest, version))) newest = version;
  }
  return newest;
}

std::vector<fs::path> module_folders(const cann::Machine& machine, const fs::path& prefix, const std::string& version, bool is_venv, bool sees_system) {
  std::vector<fs::path> result;
  const auto add = [&](const fs::path& base, const std::string& python) {
    for (const char* kind : {"site-packages", "dist-packages"}) {
      if (const fs::path folder = base / "lib" / python / kind; cann::is_there(folder)) result.push_back(folder);
    }
  };
  for (const std::string& entry : machine.variable_list("PYTHONPATH")) result.push_back(machine.at(entry));
  const std::string numbers = version.substr(0, version.find('.', 2)), python = "python" + numbers;
  add(prefix, python);
  if (is_venv && !sees_system) return result;
  if (const auto home = machine.variable("HOME")) add(machine.at(*home) / ".local", python);
  for (const char* system : {"/usr/local", "/usr"}) {
    if (is_venv || prefix == machine.at("/usr") || prefix == machine.at("/usr/local") || prefix == machine.at("/")) {
      add(machine.at(system), python);
      add(machine.at(system), "python3");
    }
  }
  return result;
}

}  // namespace

std::optional<Python> find_python(const cann::Machine& machine) {
  std::vector<std::string> places = machine.variable_list("PATH");
  if (places.empty()) places = {"/usr/local/bin", "/usr/bin", "/bin"};
  for (const std::string& place : places) {
    const fs::path program = machine.at(place) / "python3";
    std::error_code problem;
    if (!cann::is_there(program) && !fs::is_symlink(program, problem)) continue;
    const fs::path prefix = program.parent_path().parent_path(), venv = prefix / "pyvenv.cfg";
    Python python{program, setting(venv, "version"), {}};
    if (python.version.empty()) python.version = version_by_links(machine, program);
    if (python.version.empty()) python.version = version_by_folders(prefix / "lib");
    python.folders = module_folders(machine, prefix, python.version, cann::is_there(venv), setting(venv, "include-system-site-packages") == "true");
    return python;
  }
  return std::nullopt;
}

bool has_module(const Python& python, const std::string& module) {
  return std::any_of(python.folders.begin(), python.folders.end(), [&](const fs::path& folder) { return cann::is_there(folder / module) || cann::is_there(folder / (module + ".py")); });
}

std::string version_of_package(const Python& python, const std::string& package) {
  const std::string before = package + "-", after = ".dist-info";
  for (const fs::path& folder : python.folders) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(before) && name.ends_with(after) && name.size() > before.size() + after.size()) return name.substr(before.size(), name.size() - before.size() - after.size());
    }
  }
  return "";
}

}  // namespace ropeway::doctor
