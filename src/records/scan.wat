;; The scanner of tape.ts for lines that are legal JSON objects, of which it makes the same tape. It finds the end of a
;; string sixteen bytes at a time, and reads single bytes without asking what kind of string they are in, so that it is
;; several times as fast. What is wrong with a line it does not say: it refuses the text, and whoever wants to know more
;; scans it with tape.ts.
;;
;; It works on the text where that lies, in memory that begins with the tables of bytes.ts. Behind the text it has room of
;; its own: three numbers that are given back (16 bytes), the open objects and arrays (4 bytes each, 16,384 bytes with
;; those), the tape, and from the end of the memory downwards the records.
(module
  (memory (import "steerpipe" "region") 1)
  (global $text (mut i32) (i32.const 0))
  (global $flags (mut i32) (i32.const 0))

  ;; The position after white space; a line end is none.
  (func $space (param $at i32) (result i32)
    (local $byte i32)
    (loop $more
      (local.set $byte (i32.load8_u (local.get $at)))
      (if (i32.or
            (i32.eq (local.get $byte) (i32.const 0x20))
            (i32.or (i32.eq (local.get $byte) (i32.const 0x09)) (i32.eq (local.get $byte) (i32.const 0x0d))))
        (then
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $more))))
    (local.get $at))

  ;; The position of the quote that closes a string; 0 if a control character comes before it, of which the line end is
  ;; one, or an escape that JSON does not have. What the tables say of escapes is put into $flags.
  (func $quote (param $at i32) (result i32)
    (local $block v128) (local $found i32) (local $byte i32)
    (loop $more
      (local.set $block (v128.load (local.get $at)))
      (local.set $found
        (i8x16.bitmask
          (v128.or
            (v128.or
              (i8x16.eq (local.get $block) (i8x16.splat (i32.const 0x22)))
              (i8x16.eq (local.get $block) (i8x16.splat (i32.const 0x5c))))
            (i8x16.lt_u (local.get $block) (i8x16.splat (i32.const 0x20))))))
      (if (i32.eqz (local.get $found))
        (then
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br $more)))
      (local.set $at (i32.add (local.get $at) (i32.ctz (local.get $found))))
      (local.set $byte (i32.load8_u (local.get $at)))
      (if (i32.eq (local.get $byte) (i32.const 0x22)) (then (return (local.get $at))))
      (if (i32.ne (local.get $byte) (i32.const 0x5c)) (then (return (i32.const 0))))
      ;; The second character of an escape belongs to it.
      (local.set $at (i32.add (local.get $at) (i32.const 2)))
      (local.set $byte (i32.load8_u (i32.load8_u (i32.sub (local.get $at) (i32.const 1)))))
      (br_if $more (i32.eqz (local.get $byte)))
      (global.set $flags (i32.or (global.get $flags) (local.get $byte)))
      (if (i32.and (local.get $byte) (i32.const 4)) (then (return (i32.const 0))))
      (br_if $more (i32.ne (i32.load8_u (i32.sub (local.get $at) (i32.const 1))) (i32.const 0x75)))
      ;; `\u` and four hexadecimal digits.
      (br_if $more
        (i32.and
          (i32.and
            (i32.load8_u offset=256 (i32.load8_u (local.get $at)))
            (i32.load8_u offset=256 (i32.load8_u offset=1 (local.get $at))))
          (i32.and
            (i32.load8_u offset=256 (i32.load8_u offset=2 (local.get $at)))
            (i32.load8_u offset=256 (i32.load8_u offset=3 (local.get $at))))))
      (return (i32.const 0)))
    (unreachable))

  ;; The position after digits; 0 if there is none.
  (func $digits (param $at i32) (result i32)
    (local $from i32) (local $found i32)
    (local.set $from (local.get $at))
    (loop $more
      (local.set $found
        (i8x16.bitmask
          (i8x16.gt_u
            (i8x16.sub (v128.load (local.get $at)) (i8x16.splat (i32.const 0x30)))
            (i8x16.splat (i32.const 9)))))
      (if (i32.eqz (local.get $found))
        (then
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br $more))))
    (local.set $at (i32.add (local.get $at) (i32.ctz (local.get $found))))
    (select (i32.const 0) (local.get $at) (i32.eq (local.get $at) (local.get $from))))

  ;; The position after a number; 0 if it is not spelled as JSON's are.
  (func $number (param $at i32) (result i32)
    (local $byte i32)
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x2d))
      (then (local.set $at (i32.add (local.get $at) (i32.const 1)))))
    ;; No digit may follow a zero.
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x30))
      (then (local.set $at (i32.add (local.get $at) (i32.const 1))))
      (else
        (local.set $at (call $digits (local.get $at)))
        (if (i32.eqz (local.get $at)) (then (return (i32.const 0))))))
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x2e))
      (then
        (local.set $at (call $digits (i32.add (local.get $at) (i32.const 1))))
        (if (i32.eqz (local.get $at)) (then (return (i32.const 0))))))
    (if (i32.eq (i32.or (i32.load8_u (local.get $at)) (i32.const 0x20)) (i32.const 0x65))
      (then
        (local.set $byte (i32.load8_u offset=1 (local.get $at)))
        (return
          (call $digits
            (i32.add
              (local.get $at)
              (select
                (i32.const 2)
                (i32.const 1)
                (i32.or
                  (i32.eq (local.get $byte) (i32.const 0x2b))
                  (i32.eq (local.get $byte) (i32.const 0x2d)))))))))
    (local.get $at))

  ;; The position after the number or literal that begins with $byte; 0 if there is none.
  (func $scalar (param $at i32) (param $byte i32) (result i32)
    (if (i32.or
          (i32.lt_u (i32.sub (local.get $byte) (i32.const 0x30)) (i32.const 10))
          (i32.eq (local.get $byte) (i32.const 0x2d)))
      (then (return (call $number (local.get $at)))))
    ;; `true` and `null` as numbers, then `fals` and an `e`.
    (if (i32.or
          (i32.eq (i32.load (local.get $at)) (i32.const 0x65757274))
          (i32.eq (i32.load (local.get $at)) (i32.const 0x6c6c756e)))
      (then (return (i32.add (local.get $at) (i32.const 4)))))
    (if (i32.and
          (i32.eq (i32.load (local.get $at)) (i32.const 0x736c6166))
          (i32.eq (i32.load8_u offset=4 (local.get $at)) (i32.const 0x65)))
      (then (return (i32.add (local.get $at) (i32.const 5)))))
    (i32.const 0))

  ;; Scans the lines from $from up to $end, with the room from $room to $limit. The tape begins with the cell number
  ;; $base; the records are written downwards from $limit, each as the number of its line, where that begins and ends, its
  ;; root's cell and its flags. Gives the number of records (and at $room that of the lines, then that of the cells, then the
  ;; flags), -1 if a line is refused, -2 if there is not enough room.
  (func (export "scan")
    (param $from i32) (param $end i32) (param $room i32) (param $base i32) (param $limit i32) (result i32)
    (local $open i32) (local $tape i32)
    (local $at i32) (local $line i32) (local $records i32) (local $start i32) (local $to i32) (local $node i32)
    (local $top i32) (local $parent i32) (local $close i32) (local $byte i32) (local $atKey i32) (local $flagsBefore i32)
    (global.set $text (local.get $from))
    (global.set $flags (i32.const 0))
    (local.set $open (i32.add (local.get $room) (i32.const 16)))
    (local.set $tape (i32.add (local.get $room) (i32.const 16384)))
    (local.set $at (local.get $from))
    (local.set $to (local.get $tape))
    (local.set $records (local.get $limit))
    ;; The number of the cell at $tape is taken off where a cell's number is written.
    (local.set $base (i32.sub (local.get $base) (i32.shr_u (local.get $tape) (i32.const 2))))
    (block $done
      (loop $lines
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $start (local.get $at))
        (local.set $at (call $space (local.get $at)))
        (local.set $byte (i32.load8_u (local.get $at)))
        (if (i32.ne (local.get $byte) (i32.const 0x0a))
          (then
            (if (i32.ne (local.get $byte) (i32.const 0x7b)) (then (return (i32.const -1))))
            (if (i32.gt_u (i32.add (local.get $to) (i32.const 64)) (local.get $records))
              (then (return (i32.const -2))))
            (local.set $records (i32.sub (local.get $records) (i32.const 20)))
            ;; Those of the lines before come back at the end of this one.
            (local.set $flagsBefore (global.get $flags))
            (global.set $flags (i32.const 0))
            (i32.store offset=0 (local.get $records) (local.get $line))
            (i32.store offset=4 (local.get $records) (i32.sub (local.get $start) (global.get $text)))
            (i32.store offset=12
              (local.get $records)
              (i32.add (i32.shr_u (local.get $to) (i32.const 2)) (local.get $base)))
            (local.set $top (local.get $open))
            (local.set $atKey (i32.const 0))
            (loop $values
              ;; A key's two cells and a value's three, and some to spare.
              (if (i32.gt_u (i32.add (local.get $to) (i32.const 32)) (local.get $records))
                (then (return (i32.const -2))))
              (if (local.get $atKey)
                (then
                  (if (i32.ne (i32.load8_u (local.get $at)) (i32.const 0x22)) (then (return (i32.const -1))))
                  (local.set $byte (call $quote (i32.add (local.get $at) (i32.const 1))))
                  (if (i32.eqz (local.get $byte)) (then (return (i32.const -1))))
                  (i32.store offset=0
                    (local.get $to)
                    (i32.sub (i32.add (local.get $at) (i32.const 1)) (global.get $text)))
                  (i32.store offset=4 (local.get $to) (i32.sub (local.get $byte) (global.get $text)))
                  (local.set $to (i32.add (local.get $to) (i32.const 8)))
                  (local.set $at (i32.add (local.get $byte) (i32.const 1)))
                  (if (i32.ne (i32.load8_u (local.get $at)) (i32.const 0x3a))
                    (then
                      (local.set $at (call $space (local.get $at)))
                      (if (i32.ne (i32.load8_u (local.get $at)) (i32.const 0x3a)) (then (return (i32.const -1))))))
                  ;; One space is usual.
                  (local.set $at
                    (i32.add
                      (local.get $at)
                      (i32.add (i32.const 1) (i32.eq (i32.load8_u offset=1 (local.get $at)) (i32.const 0x20)))))
                  (if (i32.le_u (i32.load8_u (local.get $at)) (i32.const 0x20))
                    (then (local.set $at (call $space (local.get $at)))))))
              (local.set $node (local.get $to))
              (local.set $to (i32.add (local.get $to) (i32.const 12)))
              (i32.store (local.get $node) (i32.sub (local.get $at) (global.get $text)))
              (local.set $byte (i32.load8_u (local.get $at)))
              (block $opened
                ;; An opening brace and bracket differ in one bit.
                (if (i32.eq (i32.or (local.get $byte) (i32.const 0x20)) (i32.const 0x7b))
                  (then
                    (if (i32.eq (local.get $top) (local.get $tape)) (then (return (i32.const -1))))
                    (i32.store (local.get $top) (local.get $node))
                    (local.set $top (i32.add (local.get $top) (i32.const 4)))
                    (local.set $parent (local.get $node))
                    (local.set $close (i32.add (local.get $byte) (i32.const 2)))
                    (local.set $at (call $space (i32.add (local.get $at) (i32.const 1))))
                    (br_if $opened (i32.eq (i32.load8_u (local.get $at)) (local.get $close)))
                    (local.set $atKey (i32.eq (local.get $byte) (i32.const 0x7b)))
                    (br $values)))
                (if (i32.eq (local.get $byte) (i32.const 0x22))
                  (then
                    (local.set $at (call $quote (i32.add (local.get $at) (i32.const 1))))
                    (if (i32.eqz (local.get $at)) (then (return (i32.const -1))))
                    (local.set $at (i32.add (local.get $at) (i32.const 1))))
                  (else
                    (local.set $at (call $scalar (local.get $at) (local.get $byte)))
                    (if (i32.eqz (local.get $at)) (then (return (i32.const -1))))))
                (i32.store offset=4 (local.get $node) (i32.sub (local.get $at) (global.get $text)))
                (i32.store offset=8
                  (local.get $node)
                  (i32.add (i32.shr_u (local.get $to) (i32.const 2)) (local.get $base))))
              ;; After a value, or at the end of an empty object or array.
              (loop $closing
                (local.set $byte (i32.load8_u (local.get $at)))
                (if (i32.le_u (local.get $byte) (i32.const 0x20))
                  (then
                    (local.set $at (call $space (local.get $at)))
                    (local.set $byte (i32.load8_u (local.get $at)))))
                (if (i32.eq (local.get $byte) (i32.const 0x2c))
                  (then
                    (local.set $at
                      (i32.add
                        (local.get $at)
                        (i32.add (i32.const 1) (i32.eq (i32.load8_u offset=1 (local.get $at)) (i32.const 0x20)))))
                    (if (i32.le_u (i32.load8_u (local.get $at)) (i32.const 0x20))
                      (then (local.set $at (call $space (local.get $at)))))
                    (local.set $atKey (i32.eq (local.get $close) (i32.const 0x7d)))
                    (br $values)))
                (if (i32.ne (local.get $byte) (local.get $close)) (then (return (i32.const -1))))
                (local.set $at (i32.add (local.get $at) (i32.const 1)))
                (i32.store offset=4 (local.get $parent) (i32.sub (local.get $at) (global.get $text)))
                (i32.store offset=8
                  (local.get $parent)
                  (i32.add (i32.shr_u (local.get $to) (i32.const 2)) (local.get $base)))
                (local.set $top (i32.sub (local.get $top) (i32.const 4)))
                (if (i32.ne (local.get $top) (local.get $open))
                  (then
                    (local.set $parent (i32.load (i32.sub (local.get $top) (i32.const 4))))
                    (local.set $close
                      (i32.add
                        (i32.load8_u (i32.add (i32.load (local.get $parent)) (global.get $text)))
                        (i32.const 2)))
                    (br $closing)))))
            (local.set $at (call $space (local.get $at)))
            (if (i32.ne (i32.load8_u (local.get $at)) (i32.const 0x0a)) (then (return (i32.const -1))))
            (i32.store offset=8 (local.get $records) (i32.sub (local.get $at) (global.get $text)))
            (i32.store offset=16 (local.get $records) (global.get $flags))
            (global.set $flags (i32.or (global.get $flags) (local.get $flagsBefore)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $line (i32.add (local.get $line) (i32.const 1)))
        (br $lines)))
    (i32.store offset=0 (local.get $room) (local.get $line))
    (i32.store offset=4 (local.get $room) (i32.shr_u (i32.sub (local.get $to) (local.get $tape)) (i32.const 2)))
    (i32.store offset=8 (local.get $room) (global.get $flags))
    (i32.div_u (i32.sub (local.get $limit) (local.get $records)) (i32.const 20))))
