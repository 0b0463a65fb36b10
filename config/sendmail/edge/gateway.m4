dnl Into sendmail.mc, above the MAILER lines. docs/install-sendmail.md tells the whole way.
dnl
dnl The gateway has port 25 now. A DAEMON_OPTIONS of your own for port 25 must go; sendmail adds none by itself where
dnl there are others. Your users keep port 587, which sendmail adds (FEATURE(`no_default_msa') would take it away).
dnl
dnl Two doors on this machine only. The first takes the mail the gateway lets in ([relay] next_hop): unknown local users
dnl are refused at RCPT, where the gateway asks. The second takes what the gateway writes itself ([relay] smart_host).
dnl C: addresses are left as they came.
DAEMON_OPTIONS(`Name=from-gateway, Family=inet, Addr=127.0.0.1, Port=10026, M=C')dnl
DAEMON_OPTIONS(`Name=challenges, Family=inet, Addr=127.0.0.1, Port=10027, M=C')dnl
dnl 8-bit content goes on as it came.
define(`confEIGHT_BIT_HANDLING', `pass8')dnl
dnl A kept connection of the gateway is idle for up to [relay] idle_seconds.
define(`confTO_COMMAND', `5m')dnl
dnl The gateway asks for many recipients on one connection: no pause after unknown ones.
define(`confBAD_RCPT_THROTTLE', `0')dnl
dnl More than [relay] next_hop_connections, smart_host_connections and your users together.
define(`confMAX_DAEMON_CHILDREN', `200')dnl
