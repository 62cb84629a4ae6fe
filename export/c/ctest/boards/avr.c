/* What runs the checks on an ATmega328P: it says the result by its serial port and sleeps for ever, which ends simavr. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

int check_all(void);
void check_say(const char *text);

void check_say(const char *text) {
    for (; *text != 0; text++) {
        while (!(UCSR0A & (1 << UDRE0))) {}
        UDR0 = (uint8_t)*text;
    }
}

int main(void) {
    UCSR0B = 1 << TXEN0;
    check_say(check_all() == 0 ? "all right\n" : "wrong\n");
    while (!(UCSR0A & (1 << TXC0))) {}
    cli();
    sleep_enable();
    sleep_cpu();
    return 0;
}
