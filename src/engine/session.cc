#include "ropeway/session.h"

#include <mutex>

#include "engine/model.h"

namespace ropeway {

struct Session::State {
  std::shared_ptr<const Model> model;
  std::mutex mutex;
  std::vector<std::unique_ptr<ModelContext>> idle;  // contexts that no call uses now; has room for all of them
  size_t contexts = 0;                              // made so far
};

namespace {

// A context, back in the list when the call ends, however it ends.
template <class State>
class Borrowed {
 public:
  explicit Borrowed(State& state) : state_(state) {
    const std::lock_guard lock(state.mutex);
    if (!state.idle.empty()) {
      context_ = std::move(state.idle.back());
      state.idle.pop_back();
    }
  }
  ~Borrowed() {
    if (!context_) return;
    const std::lock_guard lock(state_.mutex);
    state_.idle.push_back(std::move(context_));
  }
  ModelContext& get() {
    if (!context_) {
      context_ = state_.model->make_context();
      const std::lock_guard lock(state_.mutex);
      state_.idle.reserve(++state_.contexts);
    }
    return *context_;
  }

 private:
  State& state_;
  std::unique_ptr<ModelContext> context_;
};

}  // namespace

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Session Session::load(const std::string& model, const SessionOptions& options) {
  auto state = std::make_unique<State>();
  state->model = Model::load(model, options);
  return Session(std::move(state));
}

const std::vector<ValueInfo>& Session::inputs() const { return state_->model->inputs(); }
const std::vector<ValueInfo>& Session::outputs() const { return state_->model->outputs(); }

std::vector<Tensor> Session::run(std::span<const Tensor> values) const {
  std::vector<Tensor> results;
  for (const ValueInfo& output : outputs()) results.emplace_back(output.type);
  run(values, results);
  return results;
}

void Session::run(std::span<const Tensor> values, std::span<Tensor> results) const {
  Borrowed<State> context(*state_);
  state_->model->run(context.get(), values, results, nullptr);
}

}  // namespace ropeway
