// What will happen to every operator of a model on a chip, before it is deployed. Needs no device: what is said is predicted.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ascend/verdict.h"
#include "engine/model.h"

namespace ropeway::check {

enum class Outcome : uint8_t {
  native,       // the chip has it
  fused,        // no engine lists it, but it is known to compile: graph fusion replaces it
  rewritten,    // the same function, made of what the chip has, or of less
  substituted,  // another function, because --substitute asks for it
  on_cpu,       // a fallback: the model runs all the same
  unknown,      // it is given to atc, and computed on the CPU should atc refuse it
};
const char* name(Outcome outcome);  // "handled by fusion"

// An operator of the file.
struct OperatorCheck {
  std::string kind;    // "Conv2d", or a function: "add"
  std::string origin;  // "layer1.0.conv1 (conv2d_3)"
  Outcome outcome = Outcome::native;
  std::string becomes;  // what it is computed as: CANN's operator where the chip has it ("Conv2D"), else those of ONNX that it is rewritten to, or "nothing"
  std::string why;      // of the outcome: evidence, what is assumed, the reason for a fallback; "" where nothing needs to be said
  double ms = 0;        // predicted, where it runs; 0 for what another operator takes along
};

// A copy between the host's memory and the chip's.
struct CopyCheck {
  std::string value;
  TensorType type;
  double bytes = 0, ms = 0;
};

// A part of the model that one device computes. What the chip reads is copied to it, and what it leaves is copied back; the CPU copies nothing.
struct SegmentCheck {
  std::string device;  // "Ascend310B1", "cpu"
  size_t operators = 0;
  double ms = 0;  // without copies
  std::vector<CopyCheck> reads, leaves;
};

// An operator whose results 16 bits do not hold.
struct OperatorFinding {
  std::string kind, origin;  // as OperatorCheck has them
  std::string text;          // "12 of 4096 elements are too large for 16 bits (largest 3.1e+05)"
};

// What 16 bits do to the results for sample inputs: see accuracy/precision.h.
struct PrecisionCheck {
  std::string samples;  // which inputs it is judged by
  double tolerance = 0;
  double error = 0;                         // of the end results; infinite where one is infinite or NaN in other places than in fp32
  std::vector<OperatorFinding> operators;   // those that overflow, lose elements or make NaNs
  std::vector<std::string> weights;         // those with elements that 16 bits do not hold, a sentence each
  std::vector<OperatorFinding> keep;        // the operators to keep in fp32, and why each
  bool applied = false;                     // they are kept already: error is what it is with them
  std::optional<double> error_kept;         // with them; without any that helps, with all that the chip has in fp32. Nothing where none was looked for
  bool is_finding() const { return !(error <= tolerance); }
};

struct CheckReport {
  std::string model;
  ascend::Target target;
  std::string precision;  // as it was asked for: "fp16", "auto"
  std::vector<ValueInfo> inputs;
  std::vector<OperatorCheck> operators;  // in the file's order
  std::vector<SegmentCheck> segments;    // in the order of execution
  PrecisionCheck accuracy;
  std::vector<std::string> notes;     // of the engine: dtypes that are narrowed, …
  std::vector<std::string> findings;  // of the notes those that cost exactness
  std::vector<std::string> sources;   // the data that verdicts rest on

  double compute_ms() const;  // of the segments
  double copies_ms() const;
  // What keeps the model from running as it is on the chip alone: "a fallback to the CPU", "an operator that is not known", "another function",
  // "a precision finding". Empty: all native or exactly rewritten.
  std::vector<std::string> reservations() const;
};

struct CheckOptions {
  ascend::Target target;  // but for its mode, which session.precision chooses
  SessionOptions session;
  std::optional<std::pair<double, double>> range;  // of generated samples; without: what the file brings along, else [-1, 1)
};

// `as_read` is the graph before passes. Runs the model on the CPU a few times, and more often to find which operators to keep in fp32.
// Throws Error{unsupported} where even the CPU cannot compute an operator, Error{invalid_argument} as prepare and npu_precision do.
CheckReport check_model(const Graph& as_read, const CheckOptions& options);

// For people: operators of one kind and outcome in one line, so that a large model reads on a screen; `all`: each in a line of its own.
std::string to_table(const CheckReport& report, bool all);
// For programs: a JSON object, schema 1; units stand in the names of the keys. A number that is infinite is null.
std::string to_json(const CheckReport& report);
// The same for a model that cannot run at all.
std::string impossible_json(const std::string& model, const std::string& why);

}  // namespace ropeway::check
