/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ordering, in one place.
 *
 * The peer may sit in another cluster, so barriers are outer-shareable where the architecture
 * distinguishes; the inner-shareable ones that C11 fences compile to on Arm do not reach it.
 * model/ names the rule that each call of these serves.
 */
#ifndef CAUSEWAY_CORE_BARRIER_H
#define CAUSEWAY_CORE_BARRIER_H

#include <stdint.h>

#if defined(__SANITIZE_THREAD__)
#define CW_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CW_TSAN 1
#endif
#endif

/*
 * cw_mb: everything before is visible before anything after.
 * cw_rmb: loads before stay before all that follows (acquire).
 * cw_wmb: all that came before stays before the stores that follow (release).
 * cw_doorbell_mb: stores before are visible before the store that rings a doorbell.
 */
#if defined(CW_TSAN)
extern uint32_t cw_tsan_order_; /* ThreadSanitizer does not follow fences, but this it does */
#define cw_mb()		 ((void)__atomic_fetch_add(&cw_tsan_order_, 0, __ATOMIC_SEQ_CST))
#define cw_rmb()	 ((void)0) /* acquire loads, see shm.h */
#define cw_wmb()	 ((void)0) /* release stores, see shm.h */
#define cw_doorbell_mb() cw_mb()
#elif defined(__aarch64__)
#define cw_mb()		 __asm__ volatile("dmb osh" ::: "memory")
#define cw_rmb()	 __asm__ volatile("dmb oshld" ::: "memory")
#define cw_wmb()	 __asm__ volatile("dmb osh" ::: "memory")
#define cw_doorbell_mb() __asm__ volatile("dsb st" ::: "memory")
#elif defined(__arm__)
#if !defined(__ARM_ARCH) || __ARM_ARCH >= 7
#define cw_mb()		 __asm__ volatile("dmb" ::: "memory") /* v7: full system */
#define cw_doorbell_mb() __asm__ volatile("dsb" ::: "memory")
#else
#define cw_mb()		 __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define cw_doorbell_mb() cw_mb()
#endif
#define cw_rmb() cw_mb()
#define cw_wmb() cw_mb()
#elif defined(__riscv)
#define cw_mb()		 __asm__ volatile("fence iorw,iorw" ::: "memory")
#define cw_rmb()	 __asm__ volatile("fence ir,iorw" ::: "memory")
#define cw_wmb()	 __asm__ volatile("fence iorw,ow" ::: "memory")
#define cw_doorbell_mb() __asm__ volatile("fence iorw,iorw" ::: "memory")
#elif defined(__x86_64__) || defined(__i386__)
/* Total store order: only a store followed by a load needs an instruction. */
#if defined(__x86_64__)
#define cw_mb() __asm__ volatile("lock; addl $0,-4(%%rsp)" ::: "memory", "cc")
#else
#define cw_mb() __asm__ volatile("lock; addl $0,-4(%%esp)" ::: "memory", "cc")
#endif
#define cw_rmb()	 __asm__ volatile("" ::: "memory")
#define cw_wmb()	 __asm__ volatile("" ::: "memory")
#define cw_doorbell_mb() __asm__ volatile("" ::: "memory")
#else
#define cw_mb()		 __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define cw_rmb()	 __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define cw_wmb()	 __atomic_thread_fence(__ATOMIC_RELEASE)
#define cw_doorbell_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif

#endif
