// Reads the pages on its standard input, parted by NUL, again and again with Prometheus' own parser, and says how fast: one figure in MB/s.
// As Prometheus scrapes: every sample of the page with its value, and labels for each or for none.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"sort"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

func read(page []byte, symbols *labels.SymbolTable, withLabels bool) {
	parser := textparse.NewPromParser(page, symbols, false)
	var of labels.Labels
	for {
		entry, err := parser.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			panic(err)
		}
		if entry == textparse.EntrySeries {
			parser.Series()
			if withLabels {
				parser.Labels(&of)
			}
		}
	}
}

func main() {
	runtime.GOMAXPROCS(1)
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	pages := bytes.Split(input, []byte{0})
	for n, page := range pages {
		pages[n] = append(make([]byte, 0, len(page)+1), page...) // the parser puts a newline behind it: in place, as in a scrape's buffer
	}
	withLabels := len(os.Args) > 1 && os.Args[1] == "labels"
	symbols := labels.NewSymbolTable()
	round := func() (size int) {
		for _, page := range pages {
			read(page, symbols, withLabels)
			size += len(page)
		}
		return
	}
	for warm := 0; warm < 10; warm++ {
		round()
	}
	rates := make([]float64, 3)
	for run := range rates {
		start, size := time.Now(), 0
		for turn := 0; turn < 10; turn++ {
			size += round()
		}
		rates[run] = float64(size) / 1e6 / time.Since(start).Seconds()
	}
	sort.Float64s(rates)
	fmt.Printf("%.1f\n", rates[1])
}
