package tui

// height is how many lines an entry takes as it is drawn now.
type height func(i int) int

// scroll moves the window's view by n lines, up if n is negative, as far as there are lines. page is how
// many lines are on screen. It says whether an end of the entries was met.
func (l *log) scroll(n, page int, lines height) (atTop, atEnd bool) {
	if len(l.entries) == 0 {
		return true, true
	}
	l.settle()
	for ; n < 0; n++ {
		if !l.linesAbove(page, lines) {
			return true, false
		}
		l.follow = false
		if l.skip++; l.skip >= lines(l.bottom) {
			l.bottom, l.skip = l.bottom-1, 0
		}
	}
	for ; n > 0; n-- {
		switch {
		case l.skip > 0:
			l.skip--
		case l.bottom < len(l.entries)-1:
			l.bottom++
			l.skip = lines(l.bottom) - 1
		}
		if l.skip == 0 && l.bottom == len(l.entries)-1 {
			if !l.newer {
				l.toEnd()
			}
			return false, true
		}
	}
	return false, false
}

// settle keeps the lowest line valid after entries went away or were drawn anew.
func (l *log) settle() {
	l.bottom = min(max(l.bottom, 0), len(l.entries)-1)
}

// linesAbove says that there are more lines than fit on the page that ends at the lowest line.
func (l *log) linesAbove(page int, lines height) bool {
	have := -l.skip
	for i := l.bottom; i >= 0; i-- {
		if have += lines(i); have > page {
			return true
		}
	}
	return false
}

// toTop shows the first lines of the window.
func (l *log) toTop(page int, lines height) {
	if len(l.entries) == 0 {
		return
	}
	have := 0
	for i := range l.entries {
		if have += lines(i); have >= page {
			l.bottom, l.skip = i, have-page
			l.follow = !l.newer && i == len(l.entries)-1 && l.skip == 0
			return
		}
	}
	l.bottom, l.skip = len(l.entries)-1, 0
	l.follow = !l.newer
}

// visible calls draw for the entries on a page of n lines, from the top, with the lines of each to be shown.
func (l *log) visible(n int, lines height, draw func(i, from, to int)) {
	if len(l.entries) == 0 || n <= 0 {
		return
	}
	l.settle()
	if l.follow {
		l.bottom, l.skip = len(l.entries)-1, 0
	}
	l.skip = min(l.skip, lines(l.bottom)-1)
	top, have := l.bottom, lines(l.bottom)-l.skip
	for have < n && top > 0 {
		top--
		have += lines(top)
	}
	for i := top; i <= l.bottom; i++ {
		from, to := 0, lines(i)
		if i == top {
			from = max(0, have-n)
		}
		if i == l.bottom {
			to -= l.skip
		}
		draw(i, from, to)
	}
}
