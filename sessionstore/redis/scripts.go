package redis

import (
	_ "embed" // the scripts

	goredis "github.com/redis/go-redis/v9"
)

var (
	//go:embed scripts/get.lua
	getLua string
	//go:embed scripts/left.lua
	leftLua string
	//go:embed scripts/beat.lua
	beatLua string
	//go:embed scripts/outages.lua
	outagesLua string
	//go:embed scripts/index.lua
	indexLua string
	//go:embed scripts/read.lua
	readLua string
	//go:embed scripts/live.lua
	liveLua string
	//go:embed scripts/count.lua
	countLua string
	//go:embed scripts/records.lua
	recordsLua string
	//go:embed scripts/room.lua
	roomLua string
	//go:embed scripts/create.lua
	createLua string
	//go:embed scripts/update.lua
	updateLua string
	//go:embed scripts/touch.lua
	touchLua string
	//go:embed scripts/revoke.lua
	revokeLua string
	//go:embed scripts/page.lua
	pageLua string
	//go:embed scripts/idle.lua
	idleLua string
	//go:embed scripts/list.lua
	listLua string
	//go:embed scripts/take.lua
	takeLua string
	//go:embed scripts/return.lua
	returnLua string
	//go:embed scripts/hold.lua
	holdLua string
	//go:embed scripts/release.lua
	releaseLua string
	//go:embed scripts/ended.lua
	endedLua string
	//go:embed scripts/link.lua
	linkLua string
	//go:embed scripts/linked.lua
	linkedLua string
	//go:embed scripts/is_linked.lua
	isLinkedLua string
	//go:embed scripts/claim.lua
	claimLua string
	//go:embed scripts/settle.lua
	settleLua string
	//go:embed scripts/own.lua
	ownLua string
	//go:embed scripts/rights.lua
	rightsLua string
)

// The scripts are sent by their SHA-1 and in full only when the server answers
// NOSCRIPT, that is when nothing has run yet: no script runs twice.
var (
	getScript     = goredis.NewScript(getLua)
	leftScript    = goredis.NewScript(indexLua + leftLua)
	createScript  = goredis.NewScript(indexLua + readLua + liveLua + roomLua + createLua)
	updateScript  = goredis.NewScript(updateLua)
	touchScript   = goredis.NewScript(indexLua + touchLua)
	revokeScript  = goredis.NewScript(indexLua + readLua + revokeLua)
	pageScript    = goredis.NewScript(pageLua)
	listScript    = goredis.NewScript(indexLua + readLua + listLua)
	idleScript    = goredis.NewScript(indexLua + readLua + idleLua)
	countScript   = goredis.NewScript(indexLua + liveLua + countLua)
	recordsScript = goredis.NewScript(readLua + recordsLua)
	takeScript    = goredis.NewScript(takeLua)
	returnScript  = goredis.NewScript(returnLua)

	beatScript    = goredis.NewScript(beatLua)
	outagesScript = goredis.NewScript(outagesLua)

	holdScript     = goredis.NewScript(holdLua)
	releaseScript  = goredis.NewScript(releaseLua)
	linkScript     = goredis.NewScript(endedLua + linkLua)
	linkedScript   = goredis.NewScript(endedLua + linkedLua)
	isLinkedScript = goredis.NewScript(endedLua + isLinkedLua)
	claimScript    = goredis.NewScript(claimLua)
	settleScript   = goredis.NewScript(settleLua)
	ownScript      = goredis.NewScript(ownLua)
	rightsScript   = goredis.NewScript(rightsLua)
)

// pageSize is how many sessions or links one script reads or ends at most. A server
// that is busy with a script answers nobody else.
const pageSize = 500
