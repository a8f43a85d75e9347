// The command line: verbs and their options. Returns the exit status: 0 done, 1 failed, 2 misused.
#pragma once

namespace pgmoat::app {

int run_main(int argc, char** argv);

}  // namespace pgmoat::app
