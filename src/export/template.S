/* SPDX-License-Identifier: Apache-2.0 */
/* The report page's template as the web build made it, byte for byte. */
#include "report_template.h"
        .section .rodata
        .global html_template
        .global html_template_end
        .hidden html_template
        .hidden html_template_end
html_template:
        .incbin REPORT_TEMPLATE
html_template_end:
        .byte 0
        .section .note.GNU-stack, "", %progbits
