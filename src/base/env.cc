#include "base/env.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/text.h"

namespace ropeway {

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::optional<uint64_t> environment_megabytes(const char* name) {
  const auto text = environment(name);
  if (!text) return std::nullopt;
  uint32_t megabytes = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), megabytes);
  if (problem != std::errc() || end != text->data() + text->size() || megabytes == 0) fail(ErrorCode::invalid_argument, "{} is '{}'; it is a number of megabytes, such as 4000", name, *text);
  return uint64_t{megabytes} * 1000000;
}

std::map<std::string, std::string> environment_variables() {
  std::map<std::string, std::string> result;
  for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
    const std::string entry = *each;
    if (const size_t at = entry.find('='); at != std::string::npos) result.emplace(entry.substr(0, at), entry.substr(at + 1));
  }
  return result;
}

int available_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

}  // namespace ropeway
