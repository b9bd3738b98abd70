// What will happen to every operator of a model on a chip, before it is deployed. Needs no device: what is said is predicted.
#pragma once

#include <string>
#include <vector>

#include "ascend/verdict.h"
#include "engine/model.h"

namespace ropeway::check {

enum class Outcome : uint8_t {
  native,     // the chip has it
  fused,      // no engine lists it, but it is known to compile: graph fusion replaces it
  rewritten,  // the same function, made of what the chip has, or of less
  on_cpu,     // a fallback: the model runs all the same
  unknown,    // it is given to atc, and computed on the CPU should atc refuse it
};
const char* name(Outcome outcome);  // "handled by fusion"

// An operator of the file.
struct OperatorCheck {
  std::string kind;    // "Conv2d", or a function: "add"
  std::string origin;  // "layer1.0.conv1 (conv2d_3)"
  Outcome outcome = Outcome::native;
  std::string becomes;  // what it is computed as: "Conv2D on the AI Core", "AveragePool", "nothing"
  std::string why;      // of the outcome: evidence, what is assumed, the reason for a fallback; "" where nothing needs to be said
  double ms = 0;        // predicted, where it runs; 0 for what another operator takes along
};

// A part of the model that one device computes, and what goes there and comes back.
struct SegmentCheck {
  std::string device;  // "Ascend310B1", "cpu"
  size_t operators = 0;
  double ms = 0;
};
struct TransferCheck {
  std::string value;
  std::string from, to;  // devices
  double bytes = 0, ms = 0;
};

struct CheckReport {
  std::string model;
  ascend::Target target;
  std::vector<ValueInfo> inputs;
  std::vector<OperatorCheck> operators;  // in the file's order
  std::vector<SegmentCheck> segments;    // in the order of execution
  std::vector<TransferCheck> transfers;
  std::vector<std::string> notes;    // of the engine: dtypes that are narrowed, …
  std::vector<std::string> sources;  // the data that verdicts rest on

  double compute_ms() const;  // of the segments
  double transfer_ms() const;
  bool needs_fallback() const;
  bool has_unknown() const;
};

// `as_read` is the graph before passes. Throws Error{unsupported} where even the CPU cannot compute an operator, Error{invalid_argument} as the passes do.
CheckReport check_operators(const Graph& as_read, const ascend::Target& target, const SessionOptions& options);

// For people: operators of one kind and outcome in one line, so that a large model reads on a screen; `all`: each in a line of its own.
std::string to_table(const CheckReport& report, bool all);
// For programs: a JSON object, schema 1; units stand in the names of the keys.
std::string to_json(const CheckReport& report);

}  // namespace ropeway::check
