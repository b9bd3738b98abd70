#include "ropeway/session.h"

#include "engine/model.h"
#include "support/cases.h"
#include "support/environment.h"
#include "support/errors.h"

namespace ropeway {
namespace {

// The public interface on the virtual NPU, and again from the compiled model.
TEST(Session, RunsOnTheVirtualNpu) {
  const test::ScopedVariable home("ROPEWAY_VIRTUAL_HOME", ROPEWAY_VIRTUAL_HOME);
  const Session cpu = Session::load("lenet"), npu = Session::load("lenet", {.device = "virtual-npu"});
  const std::vector<Tensor> inputs = generated_inputs(cpu.inputs());
  EXPECT_TRUE(test::close_to(npu.run(inputs)[0], cpu.run(inputs)[0], 1e-2));
  EXPECT_EQ(npu.outputs()[0].name, cpu.outputs()[0].name);
  test::expect_error([] { Session::load("lenet", {.device = "virtual-npu", .force_kernel = "direct"}); }, ErrorCode::invalid_argument, "no step of lenet can use the kernel 'direct'");
  test::expect_error([] { Session::load("lenet", {.device = "tpu"}); }, ErrorCode::invalid_argument, "there is cpu, npu, virtual-npu and auto");
}

}  // namespace
}  // namespace ropeway
