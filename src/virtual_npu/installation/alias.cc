// Nothing of its own: a library under one of CANN's names that brings libascendcl.so along, where all functions and the one state are.
