;; One pass over the bytes of a region: which flags of bytes.ts hold in it. Sixteen bytes at a time; only those
;; below 0x20 and backslashes are looked at one by one. The memory begins with two tables of 256 bytes each: the
;; flags of a byte that follows a backslash, and whether a byte is a hexadecimal digit.
(module
  (memory (import "steerpipe" "region") 1)
  (func (export "inspect") (param $at i32) (param $end i32) (result i32)
    (local $flags i32) (local $next i32) (local $block v128) (local $found i32) (local $p i32) (local $byte i32)
    (block $done
      (loop $blocks
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $block (v128.load (local.get $at)))
        (local.set $found
          (i8x16.bitmask
            (v128.or
              (i8x16.lt_u (local.get $block) (i8x16.splat (i32.const 0x20)))
              (i8x16.eq (local.get $block) (i8x16.splat (i32.const 0x5c))))))
        (block $none
          (loop $each
            (br_if $none (i32.eqz (local.get $found)))
            (local.set $p (i32.add (local.get $at) (i32.ctz (local.get $found))))
            (local.set $found (i32.and (local.get $found) (i32.sub (local.get $found) (i32.const 1))))
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
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $blocks)))
    (local.get $flags)))
