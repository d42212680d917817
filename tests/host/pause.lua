-- wrk asks as fast as it can: with this it stays below the limit of one address.
function delay()
  return 20
end
