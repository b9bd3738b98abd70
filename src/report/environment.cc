#include <sys/utsname.h>

#include <ctime>
#include <fstream>

#include "base/env.h"
#include "base/text.h"
#include "report/report.h"

namespace ropeway {
namespace {

// PRETTY_NAME of os-release(5), without its quotes.
std::string distribution() {
  std::ifstream file("/etc/os-release");
  for (std::string line; std::getline(file, line);) {
    const std::string key = "PRETTY_NAME=";
    if (!line.starts_with(key)) continue;
    std::string name = line.substr(key.size());
    std::erase(name, '"');
    return name + ", ";
  }
  return "";
}

std::string system_name() {
  utsname names{};
  uname(&names);
  return fmt::format("{}{} {} {}", distribution(), names.sysname, names.release, names.machine);
}

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace

Environment current_environment(std::string version) {
  SessionOptions options;
  options.threads = 1;
  const DeviceInfo cpu = make_backend(options, "")->info();
  Environment result{std::move(version), cpu.description, available_processors(), "", system_name(), now_utc()};
  for (const auto& [key, value] : cpu.details) {
    if (key == "SIMD") result.simd = value;
  }
  return result;
}

}  // namespace ropeway
