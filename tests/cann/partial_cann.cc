// A libascendcl.so that lacks all functions but one.
extern "C" __attribute__((visibility("default"))) int aclInit(const char*) { return 0; }
