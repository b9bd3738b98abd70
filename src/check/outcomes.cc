#include "check/outcomes.h"

#include <algorithm>
#include <map>

#include "base/text.h"

namespace ropeway::check {
namespace {

constexpr const char* kSubstitution = "substitute";

struct RemovedText {
  const char *becomes, *why;
};
const std::map<std::string, RemovedText> kRemoved = {
    {kSubstitution, {"another function", "as --substitute asks"}},
    {"lower_training_dropout", {"nothing", "x · mask / (1 − p), mask = (rand > p): the host draws a mask for each run, by --seed"}},
    {"fold_constants", {"a constant", "computed once, before compiling; exactly"}},
    {"recover_adaptive_pooling", {"part of an adaptive pooling", "the nodes that an exporter made of it are one operator again; exactly, but for rounding"}},
    {"remove_no_ops", {"nothing", "it changes nothing; exactly"}},
    {"fold_batch_norm", {"part of the convolution before it", "its scale and shift go into the weights; exactly, but for rounding"}},
    {"remove_dead_code", {"nothing", "nothing reads its result any more; exactly"}},
};

// What only moves or selects elements gives the same bits however it is put together.
bool only_moves(const std::vector<std::string>& operators) {
  static const std::vector<std::string> movers = {"Concat", "Expand", "Gather", "Identity", "MaxPool", "Pad", "Reshape", "Slice", "Split", "Transpose", "Where"};
  return std::ranges::all_of(operators, [](const std::string& each) { return std::ranges::count(movers, each) > 0; });
}

std::string joined(const std::string& first, const std::string& second) { return first.empty() || second.empty() ? first + second : first + "; " + second; }

// What CANN's own way would be, where that is known to fail.
std::string avoided(const Node& node) {
  const char* const argmax = "never MaxPoolWithArgmaxV1, at which CANN 7.0.RC1 fails (article, unverified)";
  return node.op == Op::MaxPool ? argmax : "";
}

}  // namespace

const char* name(Outcome outcome) {
  switch (outcome) {
    case Outcome::native: return "native";
    case Outcome::fused: return "handled by fusion";
    case Outcome::rewritten: return "rewritten";
    case Outcome::substituted: return "another function";
    case Outcome::on_cpu: return "on the CPU";
    case Outcome::unknown: return "unknown";
  }
  return "?";
}

OperatorCheck removed(const Node& node, const std::string& pass) {
  const auto text = kRemoved.find(pass);
  OperatorCheck result{"", to_string(node.origin), Outcome::rewritten, "", "", 0};
  result.becomes = text == kRemoved.end() ? "something else" : text->second.becomes;
  result.why = text == kRemoved.end() ? "by the pass " + pass : text->second.why;
  return result;
}

OperatorCheck changed(OperatorCheck now, const std::string& pass) {
  const auto text = kRemoved.find(pass);
  if (now.outcome == Outcome::native || now.outcome == Outcome::fused) now.outcome = Outcome::rewritten;
  now.why = joined(text == kRemoved.end() ? "by the pass " + pass : text->second.why, now.why);
  if (pass == kSubstitution) now.outcome = Outcome::substituted;
  return now;
}

OperatorCheck computed(const Node& node, const ascend::Verdict& verdict, const ascend::Target& target, const std::string& on_cpu) {
  OperatorCheck result{"", to_string(node.origin), Outcome::native, "", verdict.why, 0};
  if (!on_cpu.empty()) {
    result.outcome = Outcome::on_cpu;
    result.becomes = "itself, on the CPU";
    result.why = on_cpu;
    return result;
  }
  const std::string parts = fmt::format("{}", fmt::join(verdict.becomes, ", "));
  if (verdict.engine == chip::Engine::unknown) {
    result.outcome = Outcome::unknown;
    result.becomes = parts;
    result.why = joined(verdict.why, "should atc refuse it, the CPU computes it");
    return result;
  }
  const std::string place = verdict.ge_operator.empty() ? "" : fmt::format("{}{}", verdict.ge_operator, verdict.engine == chip::Engine::ai_cpu ? ", on the chip's AI CPU" : "");
  result.becomes = place;
  if (verdict.engine == chip::Engine::fused) result.outcome = Outcome::fused;
  if (verdict.rewritten) {
    result.outcome = Outcome::rewritten;
    result.becomes = parts;
    result.why = joined(only_moves(verdict.becomes) ? "exactly" : "exactly, but for rounding", verdict.why);
  }
  if (target.cann == chip::CannVersion::v7_0_rc1) result.why = joined(avoided(node), result.why);
  return result;
}

std::vector<std::string> sources(chip::CannVersion version) {
  constexpr const char* kSources[] = {"operators and dtypes: the lists that CANN 8.1.RC1 has for the Ascend 310B (AI Core, AI CPU)",
                                      "what CANN makes of ONNX operators: Ascend's ONNX plug-ins of 2022, read as of opset 17",
                                      "times: Ropeway's cost model (docs/cost-model.md); those of the CPU are a board's, not this machine's"};
  std::vector<std::string> result(std::begin(kSources), std::end(kSources));
  if (version == chip::CannVersion::v7_0_rc1) result.emplace_back("CANN 7.0.RC1: taken for 8.1.RC1 less what one article reports to fail there (article, unverified)");
  return result;
}

}  // namespace ropeway::check
