// The program: everything is in commands.cc.
#include "app/commands.h"

int main(int argc, char** argv) { return pgmoat::app::run_main(argc, argv); }
