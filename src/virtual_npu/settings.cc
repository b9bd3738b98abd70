#include "virtual_npu/settings.h"

#include <charconv>
#include <vector>

#include "base/env.h"
#include "base/text.h"

namespace ropeway::virtual_npu {

const chip::Soc& soc_named(const std::string& name) {
  if (const chip::Soc* soc = chip::find_soc(name)) return *soc;
  std::vector<std::string> names;
  for (const chip::Soc& soc : chip::socs()) names.emplace_back(soc.name);
  fail(ErrorCode::invalid_argument, "there is no virtual {}; there is {}", name, listed(names));
}

const chip::Soc& chosen_soc() { return soc_named(environment("ROPEWAY_VIRTUAL_SOC").value_or("Ascend310B1")); }

uint64_t device_memory(const chip::Soc& soc) {
  const auto text = environment("ROPEWAY_VIRTUAL_MEMORY");
  if (!text) return static_cast<uint64_t>(soc.memory_bytes);
  uint32_t megabytes = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), megabytes);
  if (problem != std::errc() || end != text->data() + text->size()) fail(ErrorCode::invalid_argument, "ROPEWAY_VIRTUAL_MEMORY is '{}', which is no number of megabytes", *text);
  return uint64_t{megabytes} * 1000000;
}

Mode chosen_mode() {
  const std::string mode = environment("ROPEWAY_VIRTUAL_MODE").value_or("EP");
  if (mode == "EP") return Mode::card;
  if (mode == "RC") return Mode::board;
  fail(ErrorCode::invalid_argument, "ROPEWAY_VIRTUAL_MODE is '{}'; it may be EP (a card) or RC (the board itself)", mode);
}

}  // namespace ropeway::virtual_npu
