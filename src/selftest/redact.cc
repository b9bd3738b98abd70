#include "selftest/redact.h"

#include <pwd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>

#include "base/text.h"

namespace ropeway::selftest {
namespace {

// Names that thousands of machines share: they say nothing, and stand in many texts.
constexpr std::string_view kCommonNames[] = {"", "root", "nobody", "localhost", "HwHiAiUser"};

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool ends_at(const std::string& text, size_t end) { return end == text.size() || !is_word(text[end]); }

void replace_word(std::string& text, const std::string& word, const std::string& by) {
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at)) {
    if ((at > 0 && is_word(text[at - 1])) || !ends_at(text, at + word.size())) {
      ++at;
      continue;
    }
    text.replace(at, word.size(), by);
    at += by.size();
  }
}

void replace_home(std::string& text, const std::string& home) {
  for (size_t at = text.find(home); at != std::string::npos; at = text.find(home, at + 1)) {
    if (ends_at(text, at + home.size())) text.replace(at, home.size(), "~");
  }
}

// Of "LD_LIBRARY_PATH=a:b", the entries that name CANN.
std::string without_other_entries(const std::string& text) {
  static const std::regex variable("\\b(LD_LIBRARY_PATH|PYTHONPATH|PATH)=([^\\s'\"]+)");
  std::string result;
  auto begin = text.cbegin();
  for (std::sregex_iterator each(text.begin(), text.end(), variable); each != std::sregex_iterator(); ++each) {
    result.append(begin, (*each)[2].first);
    std::vector<std::string> entries = split((*each)[2].str(), ':');
    for (std::string& entry : entries) {
      std::string lower = entry;
      std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      if (lower.find("ascend") == std::string::npos && lower.find("cann") == std::string::npos && !entry.starts_with("$")) entry = "…";
    }
    result += fmt::format("{}", fmt::join(entries, ":"));
    begin = (*each)[2].second;
  }
  return result.append(begin, text.cend());
}

void redact_all(const Redactor& redactor, nlohmann::ordered_json& value) {
  if (value.is_string()) value = redactor(value.get<std::string>());
  else if (value.is_structured()) {
    for (auto& each : value) redact_all(redactor, each);
  }
}

std::string value(const std::map<std::string, std::string>& variables, const char* name) {
  const auto at = variables.find(name);
  return at == variables.end() ? "" : at->second;
}

}  // namespace

Redactor Redactor::here(const std::map<std::string, std::string>& variables) {
  // Folders whose names the user has chosen, like a home's.
  std::error_code ignored;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path().string();
  std::set<std::string> homes = {value(variables, "HOME"), value(variables, "ROPEWAY_CACHE"), value(variables, "XDG_CACHE_HOME"), value(variables, "TMPDIR"), program == "/" || program == "/usr/bin" || program == "/usr/local/bin" ? "" : program}, users, hosts = {value(variables, "HOSTNAME"), value(variables, "HOST")};
  for (const char* name : {"USER", "LOGNAME", "USERNAME", "SUDO_USER"}) users.insert(value(variables, name));
  if (const passwd* const entry = getpwuid(getuid())) {
    users.insert(entry->pw_name);
    homes.insert(entry->pw_dir);
  }
  utsname names{};
  uname(&names);
  hosts.insert(names.nodename);
  for (const std::string& host : std::set(hosts)) hosts.insert(host.substr(0, host.find('.')));
  return {std::move(homes), std::move(users), std::move(hosts)};
}

Redactor::Redactor(std::set<std::string> homes, std::set<std::string> users, std::set<std::string> hosts) {
  for (std::string home : homes) {
    while (home.ends_with('/')) home.pop_back();
    if (!home.empty()) homes_.push_back(home);
  }
  std::sort(homes_.begin(), homes_.end(), [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  for (const std::string& user : users) words_.emplace_back(user, "USER");
  for (const std::string& host : hosts) words_.emplace_back(host, "HOST");
  std::erase_if(words_, [](const auto& word) { return std::find(std::begin(kCommonNames), std::end(kCommonNames), word.first) != std::end(kCommonNames); });
  std::sort(words_.begin(), words_.end(), [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
}

std::string Redactor::operator()(const std::string& text) const {
  static const std::regex other_home("(^|[^A-Za-z0-9_.~])(/home/[^/\\s:'\",;)]+|/root(?![A-Za-z0-9_]))"), serial("(serial[ _-]?(?:number|no|num)?[^:=\\n]{0,8}[:=]\\s*)\\S+", std::regex::icase);
  std::string result = without_other_entries(text);
  for (const std::string& home : homes_) replace_home(result, home);
  result = std::regex_replace(result, other_home, "$1~");
  result = std::regex_replace(result, serial, "$1(removed)");
  for (const auto& [word, by] : words_) replace_word(result, word, by);
  return result;
}

std::string Redactor::json(const std::string& document) const {
  auto whole = nlohmann::ordered_json::parse(document);
  redact_all(*this, whole);
  return whole.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace ropeway::selftest
