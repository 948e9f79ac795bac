/* What all examples use: a call that must succeed, decimals, hexadecimal digits. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qenex.h"

static inline void must(qnx_status_t status) {
    if (status != QNX_OK) {
        fprintf(stderr, "%s: %s\n", qnx_status_name(status), qnx_status_text(status));
        exit(1);
    }
}

static inline void expect(qnx_status_t status, qnx_status_t expected) {
    if (status != expected) {
        fprintf(stderr, "%s instead of %s\n", qnx_status_name(status), qnx_status_name(expected));
        exit(1);
    }
}

static inline qnx_amount_t decimal(const char *text) {
    qnx_amount_t amount;
    must(qnx_amount_parse(text, strlen(text), &amount));
    return amount;
}

static inline void print_amount(const char *label, qnx_amount_t amount) {
    char text[QNX_AMOUNT_TEXT_SIZE];
    size_t len = sizeof text;
    must(qnx_amount_print(amount, text, &len));
    printf("%-14s %s\n", label, text);
}

static inline void print_ratio(const char *label, qnx_ratio_t ratio) {
    char text[QNX_AMOUNT_TEXT_SIZE];
    size_t len = sizeof text;
    must(qnx_ratio_print(ratio, text, &len));
    printf("%-14s %s\n", label, text);
}

static inline void print_hash(const char *label, const qnx_hash_t *hash) {
    size_t i;
    printf("%-14s ", label);
    for (i = 0; i < sizeof hash->bytes; i++) printf("%02x", hash->bytes[i]);
    printf("\n");
}

#endif
