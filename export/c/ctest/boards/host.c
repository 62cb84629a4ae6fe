/* What runs the checks on a machine with an operating system. */
#include <stdio.h>

int check_all(void);
void check_say(const char *text);

void check_say(const char *text) { fputs(text, stdout); }

int main(void) { return check_all(); }
