# What keeps strangers off: fail2ban for those who guess, the firewall if it was wished for.
# shellcheck shell=bash
if [ "$FAIL2BAN" = yes ]; then
  before=$CHANGES
  place "$SOURCE/deploy/fail2ban/filter.conf" /etc/fail2ban/filter.d/medical-ai.conf
  place "$SOURCE/deploy/fail2ban/jail.conf" /etc/fail2ban/jail.d/medical-ai.conf
  if [ "$before" != "$CHANGES" ]; then systemctl restart fail2ban.service; fi
  enable fail2ban.service
fi
if [ "$FIREWALL" = yes ]; then
  before=$CHANGES
  place "$SOURCE/deploy/nftables/medical-ai.nft" /etc/nftables.conf 0644
  nft -c -f /etc/nftables.conf || fail "the firewall's rules do not fit this kernel." "Give FIREWALL=no."
  if [ "$before" != "$CHANGES" ]; then systemctl reload-or-restart nftables.service; fi
  enable nftables.service
fi
