/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of exactly known shape, to be stacked at random: chain_X(next, argument, n) calls
 * next(argument) from a frame of its kind. Several kinds have frames of the same size, so that
 * stacks of different functions agree in their stack pointers; the variable ones make frames
 * whose sizes add up to the same in different ways, over memory that still holds the words of
 * the stack before. Nothing but the words that a walk reads tells such stacks apart.
 */
        .text

/* CFA = rbp + 16, 48 bytes. */
        .globl chain_framed
        .type chain_framed, @function
chain_framed:
        .cfi_startproc
        push %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        mov %rsp, %rbp
        .cfi_def_cfa_register %rbp
        sub $32, %rsp
        mov %rdi, %rax
        mov %rsi, %rdi
        call *%rax
        leave
        .cfi_def_cfa %rsp, 8
        ret
        .cfi_endproc
        .size chain_framed, . - chain_framed

/* CFA = rsp + 48, 48 bytes; rbp is saved and used for something else (n). */
        .globl chain_saving
        .type chain_saving, @function
chain_saving:
        .cfi_startproc
        push %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        sub $32, %rsp
        .cfi_def_cfa_offset 48
        mov %rdx, %rbp
        mov %rdi, %rax
        mov %rsi, %rdi
        call *%rax
        add $32, %rsp
        .cfi_def_cfa_offset 16
        pop %rbp
        .cfi_def_cfa_offset 8
        ret
        .cfi_endproc
        .size chain_saving, . - chain_saving

/* CFA = rsp + 48, 48 bytes; rbp is left alone. */
        .globl chain_bare
        .type chain_bare, @function
chain_bare:
        .cfi_startproc
        sub $40, %rsp
        .cfi_def_cfa_offset 48
        mov %rdi, %rax
        mov %rsi, %rdi
        test $1, %dl
        jz 1f
        call *%rax
        add $40, %rsp
        .cfi_remember_state
        .cfi_def_cfa_offset 8
        ret
1:
        .cfi_restore_state
        call *%rax
        add $40, %rsp
        .cfi_def_cfa_offset 8
        ret
        .cfi_endproc
        .size chain_bare, . - chain_bare

/* CFA = rbp + 16, 16 bytes and as many as the low bits of n say. */
        .globl chain_variable
        .type chain_variable, @function
chain_variable:
        .cfi_startproc
        push %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        mov %rsp, %rbp
        .cfi_def_cfa_register %rbp
        and $0x70, %edx
        sub %rdx, %rsp
        mov %rdi, %rax
        mov %rsi, %rdi
        call *%rax
        leave
        .cfi_def_cfa %rsp, 8
        ret
        .cfi_endproc
        .size chain_variable, . - chain_variable

/* As chain_variable, but the frame is found by an expression, as gcc does for realigned stacks:
 * CFA = *(rbp - 8). */
        .globl chain_realigned
        .type chain_realigned, @function
chain_realigned:
        .cfi_startproc
        lea 8(%rsp), %r10
        .cfi_def_cfa %r10, 0
        and $-32, %rsp
        push -8(%r10)
        push %rbp
        .cfi_escape 0x10, 0x6, 0x2, 0x76, 0
        mov %rsp, %rbp
        push %r10
        .cfi_escape 0xf, 0x3, 0x76, 0x78, 0x6
        sub $8, %rsp
        and $0x70, %edx
        sub %rdx, %rsp
        mov %rdi, %rax
        mov %rsi, %rdi
        call *%rax
        mov -8(%rbp), %r10
        .cfi_def_cfa %r10, 0
        leave
        lea -8(%r10), %rsp
        .cfi_def_cfa %rsp, 8
        ret
        .cfi_endproc
        .size chain_realigned, . - chain_realigned

/* chain_follow(link): goes on with a link {kind, argument, n} without a frame of its own. */
        .globl chain_follow
        .type chain_follow, @function
chain_follow:
        .cfi_startproc
        mov (%rdi), %rax
        mov 8(%rdi), %rsi
        mov 16(%rdi), %rdx
        lea chain_follow(%rip), %rdi
        jmp *%rax
        .cfi_endproc
        .size chain_follow, . - chain_follow

/* interrupted_rbx(pid, tid, signal): sends itself a signal while its frame can be found by rbx
 * alone, which only the interrupted code's registers tell: CFA = rbx + 16. rbp is saved in r12. */
        .globl interrupted_rbx
        .type interrupted_rbx, @function
interrupted_rbx:
        .cfi_startproc
        push %rbx
        .cfi_def_cfa_offset 16
        .cfi_offset %rbx, -16
        mov %rsp, %rbx
        .cfi_def_cfa_register %rbx
        push %r12
        .cfi_offset %r12, -24
        mov %rbp, %r12
        .cfi_register %rbp, %r12
        xor %ebp, %ebp
        sub $72, %rsp
        mov $234, %eax
        syscall
        mov %r12, %rbp
        .cfi_same_value %rbp
        mov -8(%rbx), %r12
        mov %rbx, %rsp
        .cfi_def_cfa %rsp, 16
        pop %rbx
        .cfi_def_cfa_offset 8
        ret
        .cfi_endproc
        .size interrupted_rbx, . - interrupted_rbx

/* interrupted_expression(pid, tid, signal): the same with its frame told by an expression over
 * two registers: CFA = r12 + r13 + 24. */
        .globl interrupted_expression
        .type interrupted_expression, @function
interrupted_expression:
        .cfi_startproc
        push %r12
        .cfi_def_cfa_offset 16
        .cfi_offset %r12, -16
        push %r13
        .cfi_def_cfa_offset 24
        .cfi_offset %r13, -24
        lea -1000(%rsp), %r12
        mov $1000, %r13d
        .cfi_escape 0x0f, 0x07, 0x7c, 0x00, 0x7d, 0x00, 0x22, 0x23, 0x18
        sub $256, %rsp
        mov $234, %eax
        syscall
        add $256, %rsp
        .cfi_def_cfa %rsp, 24
        pop %r13
        .cfi_def_cfa_offset 16
        pop %r12
        .cfi_def_cfa_offset 8
        ret
        .cfi_endproc
        .size interrupted_expression, . - interrupted_expression

/* chain_end(next, argument, n): captures, and leaves rbp alone: the leaf's is its caller's. */
        .globl chain_end
        .type chain_end, @function
chain_end:
        .cfi_startproc
        sub $8, %rsp
        .cfi_def_cfa_offset 16
        mov %edx, %edi
        call probe_capture
        add $8, %rsp
        .cfi_def_cfa_offset 8
        ret
        .cfi_endproc
        .size chain_end, . - chain_end

        .section .note.GNU-stack, "", @progbits
