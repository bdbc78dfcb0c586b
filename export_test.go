package tincan

import "time"

func init() { peekTime = 50 * time.Millisecond }
