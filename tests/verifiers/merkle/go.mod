module merkle-verify

go 1.16

require github.com/transparency-dev/merkle v0.0.2
