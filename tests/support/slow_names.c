/* Loaded before the C library: a name that ends with ".invalid" is looked up for a minute, as by a
   name server that does not answer, and each such question is written down first. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
  const char *asked = getenv("SLOW_NAMES_ASKED");
  const char *end = node ? strstr(node, ".invalid") : NULL;
  if (end && strlen(end) == strlen(".invalid") && asked) {
    FILE *file = fopen(asked, "a");
    if (file) {
      fprintf(file, "%s\n", node);
      fclose(file);
    }
    sleep(60);
    return EAI_AGAIN;
  }
  return ((lookup *)dlsym(RTLD_NEXT, "getaddrinfo"))(node, service, hints, found);
}
