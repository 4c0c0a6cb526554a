/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thunk for each slot that can be patched: it loads the slot's number and goes on to the call
 * that enters the task, runs the original with the caller's arguments (three at most, in all that
 * the rules enter), and leaves the task. What unwinds through is seen by the personality routine;
 * there is no landing pad.
 */
#define TASK_SLOTS 4096

    .text
    .globl task_thunks
    .hidden task_thunks
    .hidden task_enter
    .hidden task_leave
    .hidden task_personality
    .type task_thunks, @function
    .balign 16
task_thunks:
    .cfi_startproc
    .set slot, 0
    .rept TASK_SLOTS
    .balign 16, 0xcc
    endbr64
    movl $slot, %r11d
    jmp task_slot_call
    .set slot, slot + 1
    .endr
    .cfi_endproc
    .size task_thunks, . - task_thunks

    .type task_slot_call, @function
    .balign 16
task_slot_call:
    .cfi_startproc
    .cfi_personality 0x1b, task_personality
    pushq %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset 6, -16
    movq %rsp, %rbp
    .cfi_def_cfa_register 6
    subq $32, %rsp
    movq %rdi, -8(%rbp)
    movq %rsi, -16(%rbp)
    movq %rdx, -24(%rbp)
    movq %rsi, %rcx
    movq %rdi, %rsi
    movl %r11d, %edi
    movq %rbp, %rdx
    call task_enter
    movq -8(%rbp), %rdi
    movq -16(%rbp), %rsi
    movq -24(%rbp), %rdx
    call *%rax
    movq %rax, -8(%rbp)
    movq %rdx, -16(%rbp)
    movq %rbp, %rdi
    call task_leave
    movq -8(%rbp), %rax
    movq -16(%rbp), %rdx
    leave
    .cfi_def_cfa 7, 8
    ret
    .cfi_endproc
    .size task_slot_call, . - task_slot_call

    .section .note.GNU-stack, "", @progbits
    .section .note.gnu.property, "a"
    .balign 8
    .long 4, 16, 5
    .asciz "GNU"
    .long 0xc0000002, 4, 3, 0
