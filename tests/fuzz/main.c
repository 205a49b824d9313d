/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Runs the fuzz targets: with libFuzzer the one that FUZZ_TARGET names; without, each on the files
 * of its corpus, or the one named first on the files named behind it.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "touch.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static const struct {
  const char *name;
  target *run;
} targets[] = {
    {"columns", fuzz_columns},
#ifdef HAVE_LDNS
    {"dns", fuzz_dns},
#endif
    {"file", fuzz_file},       {"filter", fuzz_filter}, {"object", fuzz_object},
    {"packet", fuzz_packet},   {"pipe", fuzz_pipe},
};
enum { TARGETS = sizeof targets / sizeof *targets };

static target *find(const char *name) {
  for (int i = 0; i < TARGETS; i++)
    if (!strcmp(targets[i].name, name)) return targets[i].run;
  fprintf(stderr, "there is no target '%s'\n", name);
  exit(EXIT_FAILURE);
}

#ifdef LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static target *run;
  if (!run) run = find(getenv("FUZZ_TARGET") ? getenv("FUZZ_TARGET") : "");
  run(data, size);
  return 0;
}

#else

/* In memory of its exact size. */
static void run_file(target *run, const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END)) {
    perror(path);
    exit(EXIT_FAILURE);
  }
  size_t size = (size_t)ftell(file);
  uint8_t *data = malloc(size);
  rewind(file);
  PROMISE(fread(data, 1, size, file) == size);
  fclose(file);
  run(data, size);
  free(data);
}

/* How many inputs there were. */
static int run_corpus(const char *name, target *run) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", CORPUS, name);
  struct dirent **entries = NULL;
  int count = scandir(path, &entries, NULL, alphasort), inputs = 0;
  for (int i = 0; i < count; i++) {
    snprintf(path, sizeof path, "%s/%s/%s", CORPUS, name, entries[i]->d_name);
    if (*entries[i]->d_name != '.') {
      run_file(run, path);
      inputs++;
    }
    free(entries[i]);
  }
  free(entries);
  printf("%s: %d inputs\n", name, inputs);
  return inputs;
}

int main(int argc, char **argv) {
  for (int i = 2; i < argc; i++) run_file(find(argv[1]), argv[i]);
  if (argc > 1) return EXIT_SUCCESS;
  for (int i = 0; i < TARGETS; i++)
    if (!run_corpus(targets[i].name, targets[i].run)) return EXIT_FAILURE;
  return EXIT_SUCCESS;
}

#endif
