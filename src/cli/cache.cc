#include "ascend/cache.h"

#include <memory>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/options.h"

namespace ropeway::cli {
namespace {

std::string local_time(std::time_t time) {
  std::tm parts{};
  localtime_r(&time, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts));
}

void list() {
  const ascend::Cache cache = ascend::Cache::open();
  const std::vector<ascend::CacheEntry> entries = cache.entries();
  uintmax_t bytes = 0;
  for (const ascend::CacheEntry& entry : entries) {
    fmt::print("{}  {:>9}  {}\n", local_time(entry.last_use), readable_bytes(static_cast<double>(entry.bytes)), entry.model.empty() ? entry.key : entry.model);
    bytes += entry.bytes;
  }
  fmt::print("{} compiled model{}, {} of at most {}, in {}\n", entries.size(), entries.size() == 1 ? "" : "s", readable_bytes(static_cast<double>(bytes)), readable_bytes(static_cast<double>(ascend::Cache::limit())),
             cache.folder().string());
}

void clear() {
  const ascend::Cache cache = ascend::Cache::open();
  const auto [entries, bytes] = cache.clear();
  fmt::print("removed {} compiled model{}, {}, from {}\n", entries, entries == 1 ? "" : "s", readable_bytes(static_cast<double>(bytes)), cache.folder().string());
}

}  // namespace

void add_cache(CLI::App& app) {
  CLI::App* const command = app.add_subcommand("cache", "List or remove the compiled models that are kept for an NPU");
  command->require_subcommand(1);
  command->add_subcommand("list", "What is kept, the last used first")->callback(list);
  command->add_subcommand("clear", "Remove all but what is being compiled just now")->callback(clear);
  command->footer("\nROPEWAY_CACHE chooses the folder, ROPEWAY_CACHE_SIZE (in MB, else 4000) how much it may hold: what was not used for the longest time goes first.");
}

}  // namespace ropeway::cli
