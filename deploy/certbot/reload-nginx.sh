#!/usr/bin/env bash
# /etc/letsencrypt/renewal-hooks/deploy/medical-ai.sh: certbot runs it after a renewal. nginx goes on
# with the old certificate where its configuration does not hold.
set -euo pipefail

say() { logger -t medical-ai-certificate -- "$1" 2>/dev/null || true; echo "$1"; }

if ! said=$(nginx -t 2>&1); then
  say "The certificate of ${RENEWED_DOMAINS:-this host} is new, but nginx does not take its configuration: $said"
  exit 1
fi
systemctl reload nginx.service
say "nginx serves the new certificate of ${RENEWED_DOMAINS:-this host}."
