"""How fast, how small: the gateway beside a real Postfix, one command for each question.

The parts that start and measure whole processes (`peers`, `gateway_process`, `surroundings`, `measure`) also serve
`tests/peers` and `tests/crash`.
"""
