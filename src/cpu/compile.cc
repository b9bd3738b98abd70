// Graph → Program.
#include <algorithm>
#include <limits>
#include <map>

#include "base/text.h"
#include "cpu/arena.h"
#include "cpu/fusion.h"
#include "cpu/implementations.h"
#include "cpu/program.h"
#include "cpu/reorder.h"
#include "cpu/weight_budget.h"
#include "cpu/widened.h"
#include "ir/deferred.h"
#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/work.h"

namespace ropeway::cpu {
namespace {

struct Choice {
  const Implementation* row = nullptr;
  Layout layout = Layout::plain;  // of data inputs where the row takes any
  std::string note;               // why better ones declined
};

// The elements stay as they are in the plain layout.
bool only_renames(const Graph& graph, const Node& node) {
  if (node.op != Op::Transpose) return node.op == Op::Reshape || node.op == Op::Identity || node.op == Op::Dropout;
  Ints moved = node.get<PermParams>().perm;
  std::erase_if(moved, [&](int64_t d) { return graph.type(node.inputs[0]).shape[static_cast<size_t>(d)] == 1; });
  return std::is_sorted(moved.begin(), moved.end());
}

}  // namespace

// Builds a program step by step. Values have a buffer per layout in which they are at hand.
class Compiler {
 public:
  Compiler(Graph graph, const CompileOptions& options, std::shared_ptr<ThreadPool> pool, bool half_weights)
      : graph_(std::move(graph)), options_(options), half_weights_(half_weights), program_(std::make_shared<Program>()) {
    program_->pool_ = std::move(pool);
    at_.resize(graph_.values.size());
  }

  std::shared_ptr<const Executable> run() {
    for (size_t i = 0; i < graph_.inputs.size(); ++i) at_[index(graph_.inputs[i])].plain = new_buffer({Place::input, i, 0, 0, {}});
    widen_constants();
    weight_limits_ = weight_limits(graph_, options_.weight_growth);
    const bool fusing = !options_.disabled_passes.contains("fuse");
    std::vector<FusedNode> fused = fuse(graph_, fusing);
    if (fusing && options_.force_kernel.empty()) views_ = attention_views(graph_);  // a kernel that is forced may know none, or be of what they leave out
    for (size_t i = 0; i < fused.size(); ++i) {
      for (const ValueId id : reads(fused[i])) {
        if (id != kNoValue) last_read_[id] = i;
      }
    }
    for (const ValueId id : graph_.outputs) last_read_[id] = fused.size();
    for (size_t i = 0; i < fused.size(); ++i) {
      add_step(fused[i]);
      release_constants(fused[i], i);
    }
    for (size_t i = 0; i < graph_.outputs.size(); ++i) deliver(i);
    plan();
    return std::move(program_);
  }

 private:
  struct Places {
    int plain = -1, blocked = -1;
  };
  static size_t index(ValueId id) { return static_cast<size_t>(id); }

  // Weights that are held in 16 bits become f32 once, not at each run.
  void widen_constants() {
    const std::vector<int> uses = use_counts(graph_);
    for (const Node& node : graph_.nodes) {
      if (node.op != Op::Cast || !graph_.is_constant(node.inputs[0])) continue;
      Value& from = graph_.value(node.inputs[0]);
      const DType to = node.get<CastParams>().to;
      graph_.value(node.outputs[0]).constant = from.type.dtype == DType::f16 && to == DType::f32 ? widened(*from.constant) : convert(*from.constant, to);
      if (uses[index(node.inputs[0])] == 1) from.constant.reset();
    }
  }

  std::vector<ValueId> reads(const FusedNode& fused) const {
    std::vector<ValueId> result = graph_.nodes[static_cast<size_t>(fused.head)].inputs;
    result.push_back(fused.fusion.residual);
    result.push_back(fused.fusion.bias);
    return result;
  }

  int new_buffer(Buffer buffer) {
    program_->buffers_.push_back(std::move(buffer));
    return static_cast<int>(program_->buffers_.size() - 1);
  }
  int new_arena_buffer(ValueId value, Layout layout) {
    const TensorType& type = graph_.type(value);
    const auto count = layout == Layout::blocked ? physical_count(type.shape, layout) : element_count(type.shape);
    return new_buffer({Place::arena, 0, 0, static_cast<size_t>(count) * size_of(type.dtype), {}});
  }

  // The buffer that holds `value` in `layout`, after a step that changes the layout if need be.
  int place(ValueId value, Layout layout, int on_behalf_of) {
    Places& places = at_[index(value)];
    int& wanted = layout == Layout::blocked ? places.blocked : places.plain;
    if (wanted >= 0) return wanted;
    const int other = layout == Layout::blocked ? places.plain : places.blocked;
    if (other < 0) {
      ensure(graph_.is_constant(value), "value {} was never computed", graph_.value(value).name);
      places.plain = new_buffer({Place::constant, 0, 0, 0, *graph_.value(value).constant});
      return layout == Layout::plain ? places.plain : place(value, layout, on_behalf_of);
    }
    const Shape& shape = graph_.type(value).shape;
    wanted = new_arena_buffer(value, layout);
    Step step{layout == Layout::blocked ? make_to_blocked(shape) : make_to_plain(shape), {other}, {wanted}, ""};
    program_->steps_.push_back(std::move(step));
    const double bytes = 4.0 * static_cast<double>(element_count(shape) + physical_count(shape, Layout::blocked));
    program_->infos_.push_back({{}, on_behalf_of, layout == Layout::blocked ? "to_blocked" : "to_plain", "", 0, bytes});
    return wanted;
  }

  // Layout::any: blocked when every data input has the output's shape and the first is at hand only so; for a convolution, whatever its input is in.
  Layout layout_for_any(const FusedNode& fused, const Implementation& row) const {
    const Node& node = graph_.nodes[static_cast<size_t>(fused.head)];
    const Places& first = at_[index(node.inputs[0])];
    if (first.blocked < 0) return Layout::plain;
    if (row.out == Layout::blocked) return Layout::blocked;
    if (first.plain >= 0) return Layout::plain;
    for (const ValueId id : node.inputs) {
      if (id == kNoValue) continue;
      const bool same = graph_.type(id).shape == graph_.type(fused.output).shape && !graph_.is_constant(id);
      const bool scalar = graph_.is_constant(id) && element_count(graph_.type(id).shape) == 1;
      if (!same && !scalar) return Layout::plain;
    }
    return Layout::blocked;
  }

  KernelRequest request_of(const FusedNode& fused, const Implementation& row, Layout layout) const {
    const auto head = static_cast<size_t>(fused.head);
    // A kernel that is forced may take what weights it needs.
    const double growth = options_.force_kernel == row.name ? std::numeric_limits<double>::infinity() : weight_limits_[head];
    return {graph_, graph_.nodes[head], fused.fusion, layout, program_->pool_.get(), half_weights_, growth, &views_};
  }

  Choice choose(const FusedNode& fused) const {
    const Node& node = graph_.nodes[static_cast<size_t>(fused.head)];
    Choice best;
    for (const Implementation& row : implementations(node.op)) {
      const KernelRequest request = request_of(fused, row, row.in == Layout::any ? layout_for_any(fused, row) : row.in);
      const std::string why = row.declines(request);
      if (!why.empty()) {
        if (best.row == nullptr) best.note += fmt::format("{}{}: {}", best.note.empty() ? "" : "; ", row.name, why);
        continue;
      }
      const bool forced = options_.force_kernel == row.name;
      if (best.row == nullptr || forced) {
        best.row = &row;
        best.layout = request.layout;
      }
      if (options_.force_kernel.empty() || forced) break;
    }
    if (best.row == nullptr) fail(ErrorCode::unsupported, "no kernel of the CPU serves {} {}: {}", name(node.op), to_string(node.origin), best.note);
    return best;
  }

  void add_step(const FusedNode& fused) try {
    const Node& node = graph_.nodes[static_cast<size_t>(fused.head)];
    if (views_.contains(fused.output)) return;  // read where its elements lie
    if (only_renames(graph_, node) && graph_.type(node.inputs[0]).dtype == graph_.type(fused.output).dtype) {
      load_constants(fused);
      at_[index(fused.output)].plain = place(node.inputs[0], Layout::plain, fused.head);
      return;
    }
    const Choice choice = choose(fused);
    load_constants(fused, choice.row->reads_weights ? node.input(1) : kNoValue);
    const Layout in = choice.row->in == Layout::any ? choice.layout : choice.row->in;
    const Layout out = choice.row->out == Layout::any ? choice.layout : choice.row->out;
    Step step{choice.row->make(request_of(fused, *choice.row, in)), {}, {}, fmt::format("{} {}", name(node.op), to_string(node.origin))};
    for (const ValueId id : node.inputs) step.inputs.push_back(input_place(id, in, *step.kernel, fused.head));
    if (fused.fusion.residual != kNoValue) {
      // The residual follows all inputs of the operator, given or not.
      step.inputs.resize(std::max(step.inputs.size(), info_inputs(node)), -1);
      step.inputs.push_back(place(fused.fusion.residual, out, fused.head));
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const ValueId value = i == 0 ? fused.output : node.outputs[i];
      const int buffer = new_arena_buffer(value, out);
      step.outputs.push_back(buffer);
      (out == Layout::blocked ? at_[index(value)].blocked : at_[index(value)].plain) = buffer;
    }
    program_->steps_.push_back(std::move(step));
    describe(fused, choice);
  } catch (Error& error) {
    const Node& node = graph_.nodes[static_cast<size_t>(fused.head)];
    if (error.code() == ErrorCode::out_of_memory) error.add_note(fmt::format("while {} {} was made ready{}", name(node.op), to_string(node.origin), remedy_for_memory()));
    throw;
  }

  static size_t info_inputs(const Node& node) { return info(node.op).inputs.size(); }

  int input_place(ValueId id, Layout layout, const Kernel& kernel, int head) {
    if (id == kNoValue || (graph_.is_constant(id) && kernel.packs_constants())) return -1;
    if (const auto view = views_.find(id); view != views_.end()) return place(view->second.base, Layout::plain, head);
    return place(id, graph_.is_constant(id) ? Layout::plain : layout, head);
  }

  // What makes weights smaller, of what is not asked for yet.
  std::string remedy_for_memory() const {
    std::vector<std::string> remedies;
    if (options_.weight_growth > 1) remedies.emplace_back("--weight-growth 1");
    if (!half_weights_) remedies.emplace_back("--precision fp16");
    return remedies.empty() ? "" : fmt::format("; {} may make weights smaller", fmt::join(remedies, " or "));
  }

  void describe(const FusedNode& fused, const Choice& choice) {
    StepInfo step{fused.nodes, -1, choice.row->name, choice.note, 0, 0};
    for (const int i : fused.nodes) {
      const Work each = work(graph_, graph_.nodes[static_cast<size_t>(i)]);
      step.flops += each.flops;
      if (i == fused.head) step.bytes = each.bytes;
    }
    // Weights of 16 bits were counted with 32.
    const Node& head = graph_.nodes[static_cast<size_t>(fused.head)];
    if (program_->steps_.back().kernel->half_weight_bytes() > 0) step.bytes -= 2.0 * static_cast<double>(element_count(graph_.type(head.input(1)).shape));
    program_->infos_.push_back(std::move(step));
  }

  // Weights come from their file just before they are packed, except those that the kernel reads itself.
  void load_constants(const FusedNode& fused, ValueId except = kNoValue) {
    for (const ValueId id : reads(fused)) {
      if (id != except && graph_.is_constant(id)) load(*graph_.value(id).constant, *program_->pool_);
    }
  }

  // Constants that every reader has packed are freed as early as can be: at no time are all weights held twice.
  void release_constants(const FusedNode& fused, size_t position) {
    for (const ValueId id : reads(fused)) {
      if (id != kNoValue && last_read_[id] == position && graph_.is_constant(id)) graph_.value(id).constant.reset();
    }
  }

  // Output i: the buffer of its plain form becomes the caller's; an input, a constant or a value delivered twice is copied.
  void deliver(size_t i) {
    const ValueId id = graph_.outputs[i];
    const int buffer = place(id, Layout::plain, graph_.nodes.empty() ? -1 : static_cast<int>(graph_.nodes.size()) - 1);
    Buffer& source = program_->buffers_[static_cast<size_t>(buffer)];
    if (source.place == Place::arena) {
      source.place = Place::output;
      source.index = i;
      return;
    }
    const int target = new_buffer({Place::output, i, 0, 0, {}});
    const auto bytes = static_cast<size_t>(element_count(graph_.type(id).shape)) * size_of(graph_.type(id).dtype);
    program_->steps_.push_back({make_copy(bytes), {buffer}, {target}, ""});
    program_->infos_.push_back({{}, graph_.nodes.empty() ? -1 : static_cast<int>(graph_.nodes.size()) - 1, "copy", "", 0, 2.0 * static_cast<double>(bytes)});
  }

  void plan() {
    std::vector<Lifetime> lifetimes(program_->buffers_.size(), {0, INT32_MAX, -1, 0});
    size_t scratch = 0;
    for (size_t s = 0; s < program_->steps_.size(); ++s) {
      const Step& step = program_->steps_[s];
      for (const auto* side : {&step.inputs, &step.outputs}) {
        for (const int buffer : *side) {
          if (buffer < 0) continue;
          Lifetime& lifetime = lifetimes[static_cast<size_t>(buffer)];
          lifetime.first = std::min(lifetime.first, static_cast<int>(s));
          lifetime.last = std::max(lifetime.last, static_cast<int>(s));
        }
      }
      scratch = std::max(scratch, step.kernel->scratch_bytes());
    }
    std::vector<Lifetime> planned;
    std::vector<size_t> owner;
    for (size_t b = 0; b < lifetimes.size(); ++b) {
      if (program_->buffers_[b].place != Place::arena || lifetimes[b].last < 0) continue;
      lifetimes[b].bytes = program_->buffers_[b].bytes;
      planned.push_back(lifetimes[b]);
      owner.push_back(b);
    }
    program_->scratch_offset_ = plan_arena(planned);
    program_->arena_bytes_ = program_->scratch_offset_ + scratch;
    for (size_t i = 0; i < owner.size(); ++i) program_->buffers_[owner[i]].offset = planned[i].offset;
  }

  Graph graph_;
  const CompileOptions& options_;
  const bool half_weights_;
  std::shared_ptr<Program> program_;
  std::vector<Places> at_;
  std::map<ValueId, size_t> last_read_;
  std::vector<double> weight_limits_;  // by node
  Views views_;
};

std::shared_ptr<const Executable> compile_program(Graph graph, const CompileOptions& options, std::shared_ptr<ThreadPool> pool, bool half_weights) {
  return Compiler(std::move(graph), options, std::move(pool), half_weights).run();
}

}  // namespace ropeway::cpu
