// Opcodes: Python's documentation of pickletools, protocol 2.
#include "formats/pt2/pickle.h"

#include <algorithm>
#include <unordered_map>

#include "base/text.h"
#include "ropeway/error.h"

namespace ropeway::pt2 {
namespace {

using Kind = Pickled::Kind;

constexpr size_t kMostItems = 100'000;  // of all values together, as often as they are copied
constexpr int kDeepest = 100;

[[noreturn]] void damaged(const char* what) { fail(ErrorCode::invalid_model, "the pickle is damaged: {}", what); }

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  PickledPtr run() {
    for (;;) {
      const char code = take(1)[0];
      if (code == '.') return pop();
      step(code);
    }
  }

 private:
  // One opcode.
  void step(char code) {
    switch (code) {
      case '\x80': take(1); return;
      case '(': marks_.push_back(stack_.size()); return;
      case 'N': push({}); return;
      case '\x88': push({Kind::boolean, 1, "", {}, 0}); return;
      case '\x89': push({Kind::boolean, 0, "", {}, 0}); return;
      case 'K': push({Kind::integer, number(1), "", {}, 0}); return;
      case 'M': push({Kind::integer, number(2), "", {}, 0}); return;
      case 'J': push({Kind::integer, static_cast<int32_t>(number(4)), "", {}, 0}); return;
      case '\x8a': long_number(); return;
      case 'X': push({Kind::text, 0, std::string(take(static_cast<size_t>(number(4)))), {}, 0}); return;
      case 'c': name(); return;
      case 'q': keep(number(1)); return;
      case 'r': keep(number(4)); return;
      case 'h': recall(number(1)); return;
      case 'j': recall(number(4)); return;
      case ')': collect(Kind::tuple, 0); return;
      case ']': collect(Kind::list, 0); return;
      case '}': collect(Kind::dict, 0); return;
      case '\x85': collect(Kind::tuple, 1); return;
      case '\x86': collect(Kind::tuple, 2); return;
      case '\x87': collect(Kind::tuple, 3); return;
      case 't': collect(Kind::tuple, since_mark()); return;
      case 'a': extend(Kind::list, 1); return;
      case 'e': extend(Kind::list, since_mark()); return;
      case 's': extend(Kind::dict, 2); return;
      case 'u': extend(Kind::dict, since_mark()); return;
      case 'Q': push({Kind::storage, 0, "", {pop()}, 0}); return;
      case 'R': call(); return;
      default: damaged("it holds more than plain tensors, numbers and texts");
    }
  }

  std::string_view take(size_t bytes) {
    if (bytes > rest_.size()) damaged("it ends too early");
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }

  int64_t number(size_t bytes) {
    uint64_t value = 0;
    const std::string_view taken = take(bytes);
    for (size_t i = 0; i < bytes; ++i) value |= uint64_t{static_cast<uint8_t>(taken[i])} << (8 * i);
    return static_cast<int64_t>(value);
  }

  void long_number() {
    const auto bytes = static_cast<size_t>(number(1));
    if (bytes > 8) damaged("a number is too large");
    if (bytes == 0) return push({Kind::integer, 0, "", {}, 0});
    const auto unused = 8 * (8 - bytes);
    push({Kind::integer, static_cast<int64_t>(static_cast<uint64_t>(number(bytes)) << unused) >> unused, "", {}, 0});
  }

  std::string line() {
    const size_t end = rest_.find('\n');
    if (end == std::string_view::npos) damaged("it ends too early");
    const std::string result(take(end));
    take(1);
    return result;
  }
  void name() {
    const std::string module = line();
    push({Kind::name, 0, module + " " + line(), {}, 0});
  }

  void account(size_t items) {
    items_ += items;
    if (items_ > kMostItems) damaged("it is too large");
  }

  // All that reads the values, and frees them, goes down as deep as they are.
  void push(Pickled value) {
    account(value.items.size());
    value.depth = 0;
    for (const PickledPtr& each : value.items) value.depth = std::max(value.depth, each->depth + 1);
    if (value.depth > kDeepest) damaged("it is too deep");
    stack_.push_back(std::make_shared<Pickled>(std::move(value)));
  }
  std::shared_ptr<Pickled> pop() {
    if (stack_.empty() || (!marks_.empty() && marks_.back() == stack_.size())) damaged("something is missing in it");
    std::shared_ptr<Pickled> result = std::move(stack_.back());
    stack_.pop_back();
    return result;
  }

  void keep(int64_t at) {
    if (stack_.empty()) damaged("something is missing in it");
    memo_[at] = stack_.back();
  }
  void recall(int64_t at) {
    const auto found = memo_.find(at);
    if (found == memo_.end()) damaged("something is missing in it");
    stack_.push_back(found->second);
  }

  size_t since_mark() {
    if (marks_.empty() || marks_.back() > stack_.size()) damaged("something is missing in it");
    const size_t count = stack_.size() - marks_.back();
    marks_.pop_back();
    return count;
  }

  std::vector<PickledPtr> pop_many(size_t count) {
    if (count > stack_.size()) damaged("something is missing in it");
    std::vector<PickledPtr> result(count);
    for (size_t i = count; i-- > 0;) result[i] = pop();
    return result;
  }
  void collect(Kind kind, size_t count) { push({kind, 0, "", pop_many(count), 0}); }

  // A list or dictionary in which something else, itself perhaps, is already shared cannot be extended: so no circle comes about.
  void extend(Kind kind, size_t count) {
    const std::vector<PickledPtr> more = pop_many(count);
    const std::shared_ptr<Pickled> into = pop();
    if (into->kind != kind) damaged("something is added to what holds nothing");
    Pickled larger = *into;
    larger.items.insert(larger.items.end(), more.begin(), more.end());
    push(std::move(larger));
  }

  void call() {
    const PickledPtr arguments = pop(), function = pop();
    if (function->kind != Kind::name || arguments->kind != Kind::tuple) damaged("it calls what is no function");
    push({Kind::call, 0, function->text, {arguments}, 0});
  }

  std::string_view rest_;
  std::vector<std::shared_ptr<Pickled>> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<int64_t, std::shared_ptr<Pickled>> memo_;
  size_t items_ = 0;
};

}  // namespace

PickledPtr read_pickle(std::string_view bytes) { return Reader(bytes).run(); }

}  // namespace ropeway::pt2
