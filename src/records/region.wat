;; What is done with all bytes of a region. First, one pass: which flags of bytes.ts hold in it. Sixty-four bytes at a
;; time (sixteen take half as long again); only those below 0x20 and backslashes are looked at one by one. The memory
;; begins with two tables of 256 bytes each: the flags of a byte that follows a backslash, and whether a byte is a
;; hexadecimal digit.
(module
  (memory (import "steerpipe" "region") 1)
  (func (export "inspect") (param $at i32) (param $end i32) (result i32)
    (local $flags i32) (local $next i32) (local $found i64) (local $p i32) (local $byte i32)
    (block $done
      (loop $blocks
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $found
          (i64.or
            (i64.or
              (i64.extend_i32_u
                (i8x16.bitmask
                  (v128.or
                    (i8x16.lt_u (v128.load (local.get $at)) (i8x16.splat (i32.const 0x20)))
                    (i8x16.eq (v128.load (local.get $at)) (i8x16.splat (i32.const 0x5c))))))
              (i64.shl
                (i64.extend_i32_u
                  (i8x16.bitmask
                    (v128.or
                      (i8x16.lt_u (v128.load offset=16 (local.get $at)) (i8x16.splat (i32.const 0x20)))
                      (i8x16.eq (v128.load offset=16 (local.get $at)) (i8x16.splat (i32.const 0x5c))))))
                (i64.const 16)))
            (i64.or
              (i64.shl
                (i64.extend_i32_u
                  (i8x16.bitmask
                    (v128.or
                      (i8x16.lt_u (v128.load offset=32 (local.get $at)) (i8x16.splat (i32.const 0x20)))
                      (i8x16.eq (v128.load offset=32 (local.get $at)) (i8x16.splat (i32.const 0x5c))))))
                (i64.const 32))
              (i64.shl
                (i64.extend_i32_u
                  (i8x16.bitmask
                    (v128.or
                      (i8x16.lt_u (v128.load offset=48 (local.get $at)) (i8x16.splat (i32.const 0x20)))
                      (i8x16.eq (v128.load offset=48 (local.get $at)) (i8x16.splat (i32.const 0x5c))))))
                (i64.const 48)))))
        (block $none
          (loop $each
            (br_if $none (i64.eqz (local.get $found)))
            (local.set $p (i32.add (local.get $at) (i32.wrap_i64 (i64.ctz (local.get $found)))))
            (local.set $found (i64.and (local.get $found) (i64.sub (local.get $found) (i64.const 1))))
            ;; The second character of an escape belongs to it.
            (br_if $each (i32.lt_u (local.get $p) (local.get $next)))
            (local.set $byte (i32.load8_u (local.get $p)))
            (if (i32.lt_u (local.get $byte) (i32.const 0x20))
              (then
                (if (i32.ne (local.get $byte) (i32.const 0x0a))
                  (then (local.set $flags (i32.or (local.get $flags) (i32.const 1)))))
                (br $each)))
            (local.set $next (i32.add (local.get $p) (i32.const 2)))
            (local.set $flags
              (i32.or (local.get $flags) (i32.load8_u (i32.load8_u offset=1 (local.get $p)))))
            ;; After \u come four hexadecimal digits.
            (br_if $each (i32.ne (i32.load8_u offset=1 (local.get $p)) (i32.const 0x75)))
            (if (i32.eqz
                  (i32.and
                    (i32.and
                      (i32.load8_u offset=256 (i32.load8_u offset=2 (local.get $p)))
                      (i32.load8_u offset=256 (i32.load8_u offset=3 (local.get $p))))
                    (i32.and
                      (i32.load8_u offset=256 (i32.load8_u offset=4 (local.get $p)))
                      (i32.load8_u offset=256 (i32.load8_u offset=5 (local.get $p))))))
              (then (local.set $flags (i32.or (local.get $flags) (i32.const 4)))))
            (br $each)))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br $blocks)))
    (local.get $flags))

  ;; Sixteen lanes of 32 bits, each of which takes every sixteenth word as xxHash does: added, turned, multiplied. What
  ;; is hashed is a multiple of 64 bytes; the lanes are kept at $state.
  (func (export "hash") (param $state i32) (param $at i32) (param $end i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $taken v128) (local $turned v128)
    (local.set $taken (i32x4.splat (i32.const 0x85ebca77)))
    (local.set $turned (i32x4.splat (i32.const 0x9e3779b1)))
    (local.set $a (v128.load (local.get $state)))
    (local.set $b (v128.load offset=16 (local.get $state)))
    (local.set $c (v128.load offset=32 (local.get $state)))
    (local.set $d (v128.load offset=48 (local.get $state)))
    (block $done
      (loop $blocks
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $a (i32x4.add (local.get $a) (i32x4.mul (v128.load offset=0 (local.get $at)) (local.get $taken))))
        (local.set $b (i32x4.add (local.get $b) (i32x4.mul (v128.load offset=16 (local.get $at)) (local.get $taken))))
        (local.set $c (i32x4.add (local.get $c) (i32x4.mul (v128.load offset=32 (local.get $at)) (local.get $taken))))
        (local.set $d (i32x4.add (local.get $d) (i32x4.mul (v128.load offset=48 (local.get $at)) (local.get $taken))))
        (local.set $a
          (i32x4.mul
            (v128.or (i32x4.shl (local.get $a) (i32.const 13)) (i32x4.shr_u (local.get $a) (i32.const 19)))
            (local.get $turned)))
        (local.set $b
          (i32x4.mul
            (v128.or (i32x4.shl (local.get $b) (i32.const 13)) (i32x4.shr_u (local.get $b) (i32.const 19)))
            (local.get $turned)))
        (local.set $c
          (i32x4.mul
            (v128.or (i32x4.shl (local.get $c) (i32.const 13)) (i32x4.shr_u (local.get $c) (i32.const 19)))
            (local.get $turned)))
        (local.set $d
          (i32x4.mul
            (v128.or (i32x4.shl (local.get $d) (i32.const 13)) (i32x4.shr_u (local.get $d) (i32.const 19)))
            (local.get $turned)))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br $blocks)))
    (v128.store (local.get $state) (local.get $a))
    (v128.store offset=16 (local.get $state) (local.get $b))
    (v128.store offset=32 (local.get $state) (local.get $c))
    (v128.store offset=48 (local.get $state) (local.get $d))))
